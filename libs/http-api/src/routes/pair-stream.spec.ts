import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { text as textOf } from 'node:stream/consumers';
import type { PairFormat, PairLines } from '@kvs/protocol';
import { linesFrom } from '@kvs/protocol/testing';
import { sendPairs } from './pair-stream.js';

/** Of chunks that are written at once, that wait behind others, and that are waited for. */
const LENGTHS = [1, 300, 9_000, 20_000, 3, 15_000, 70_000];

describe('pairs sent to a client', () => {
  interface Exchange {
    readonly response: IncomingMessage;
    /** Settles as `sendPairs` does. */
    readonly sending: Promise<void>;
  }
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  async function exchange(lines: PairLines, format: PairFormat = 'items'): Promise<Exchange> {
    const server = createServer();
    closers.push(
      () => server.close(),
      () => server.closeAllConnections(),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const exchanged = new Promise<Pick<Exchange, 'sending'>>((resolve) => {
      server.once('request', (_request, response: ServerResponse) => {
        const sending = sendPairs(response, lines, format);
        sending.catch(() => undefined); // looked at later
        resolve({ sending });
      });
    });
    const request = get({ host: '127.0.0.1', port, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return { response, ...(await exchanged) };
  }

  it.each<[PairFormat, string, string[], string]>([
    ['items', 'application/json; charset=utf-8', [',1\n', ',2\n'], '[1\n,2\n]'],
    ['lines', 'application/x-ndjson', ['1\n', '2\n'], '1\n2\n'],
  ])('are typed for what they are (as %s)', async (format, type, pairs, text) => {
    const { response, sending } = await exchange(linesFrom(pairs), format);
    expect([response.headers['content-type'], await textOf(response)]).toEqual([type, text]);
    await sending;
  });

  it.each<PairFormat>(['items', 'lines'])(
    'arrive as they were, however slowly they are taken (as %s)',
    async (format) => {
      const lengths = Array.from({ length: 1500 }, (_, i) => LENGTHS[i % LENGTHS.length] ?? 0);
      const before = format === 'lines' ? '' : ',';
      const lines = lengths.map((length, i) => `${before}"${i} ${'x'.repeat(length)}"\n`);
      const { response, sending } = await exchange(linesFrom(lines), format);
      const parts: Buffer[] = [];
      for await (const part of response) {
        parts.push(part as Buffer);
        if (parts.length % 10 === 0) await setTimeout(1);
      }
      const text = format === 'lines' ? lines.join('') : `[${lines.join('').slice(1)}]`;
      expect(Buffer.concat(parts).toString() === text).toBe(true);
      await sending;
    },
  );

  it('are cut, not ended, when they break off, and the error is thrown', async () => {
    const failure = new Error('gone');
    const lines = (async function* () {
      yield Buffer.from(',1\n');
      throw failure;
    })();
    const { response, sending } = await exchange(lines);
    await expect(textOf(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(response.complete).toBe(false);
    await expect(sending).rejects.toBe(failure);
  });

  it('that fail before the first of them leave the answer to others', async () => {
    const failure = new Error('gone');
    const lines: PairLines = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }) };
    const response = new SlowResponse();
    await expect(sendPairs(response.asResponse(), lines, 'items')).rejects.toBe(failure);
    expect([response.destroyed, response.written]).toEqual([false, 0]);
  });
});

/** A client that takes its time for each part, though not for ever. */
class SlowResponse extends Writable {
  written = 0;

  readonly #onPart: () => void;

  constructor(onPart: () => void = () => undefined) {
    super({ highWaterMark: 1 });
    this.#onPart = onPart;
  }

  setHeader(): this {
    return this;
  }

  asResponse(): ServerResponse {
    // `sendPairs` uses only the stream and `setHeader` of a response.
    return this as unknown as ServerResponse;
  }

  override _write(_part: Uint8Array, _encoding: string, done: () => void): void {
    this.written++;
    this.#onPart();
    setImmediate(done);
  }
}

/** A client that takes every part at once. */
class EagerResponse extends SlowResponse {
  override _write(_part: Uint8Array, _encoding: string, done: () => void): void {
    done();
  }
}

describe('many pairs', () => {
  const TOTAL = 200;
  let made = 0;
  async function* parts(): AsyncGenerator<Uint8Array> {
    const part = Buffer.from(`,"${'x'.repeat(64 * 1024)}"\n`);
    for (made = 0; made < TOTAL; made++) yield part;
  }

  it('are made no faster than the client takes them', async () => {
    let lead = 0;
    const response: SlowResponse = new SlowResponse(() => (lead = Math.max(lead, made - response.written)));
    const unread: number[] = [];
    await sendPairs(response.asResponse(), parts(), 'lines', (bytes) => unread.push(bytes));
    expect(response.written).toBe(TOTAL);
    expect(lead).toBeLessThan(10);
    expect(Math.max(...unread)).toBeGreaterThan(64 * 1024);
    expect(unread.at(-1)).toBe(0);
  });

  it('leave other requests their turns', async () => {
    let turns = 0;
    let done = false;
    const others = (): void => {
      turns++;
      if (!done) setImmediate(others);
    };
    setImmediate(others);
    await sendPairs(new EagerResponse().asResponse(), parts(), 'lines');
    done = true;
    expect(turns).toBeGreaterThanOrEqual(TOTAL / 2);
  });

  it('are let go of when the client goes away, and that is no error', async () => {
    let letGo = false;
    const lines = (async function* () {
      try {
        yield* parts();
      } finally {
        letGo = true;
      }
    })();
    const response: SlowResponse = new SlowResponse(
      () => void (response.written === 3 && response.destroy()),
    );
    await sendPairs(response.asResponse(), lines, 'items');
    expect(letGo).toBe(true);
    expect(made).toBeLessThan(TOTAL);
  });

  it('may break off when the client has gone, and that is no error', async () => {
    const response = new SlowResponse();
    const lines = (async function* () {
      yield* [Promise.resolve(Buffer.from('1\n'))];
      response.destroy();
      throw new Error('the scan was closed');
    })();
    await sendPairs(response.asResponse(), lines, 'lines');
    expect(response.destroyed).toBe(true);
  });
});
