import type { ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { stringKey, stringValue, type PairLines } from '@kvs/protocol';
import { TransportError, type NodeScan } from '@kvs/router';
import fc from 'fast-check';
import { FakeHttpNode } from '../../test/fake-http-node.js';
import { ShreddingBuffers } from '../../test/shredding-buffers.js';
import { connectPlain } from '../link/upgrade-to-link.js';
import { NodeDataTransport, type NodeTransportOptions } from '../node-data-transport.js';

const KIB = 1024;

let node: FakeHttpNode;
let buffers: ShreddingBuffers;
let transport: NodeDataTransport;

function connect(options: Partial<NodeTransportOptions> = {}): NodeDataTransport {
  return new NodeDataTransport(node.address, {
    protocol: 'http',
    nodeTimeoutMs: 60_000,
    nodeConnections: 4,
    maxBatchItems: 100,
    readBuffers: buffers,
    stats: () => Promise.resolve({ engine: 'memory', keys: 3 }),
    ...options,
  });
}

beforeEach(async () => {
  node = await FakeHttpNode.start();
  buffers = new ShreddingBuffers();
  transport = connect();
});
afterEach(async () => {
  transport.close();
  await node.stop();
});

/** Of so many bytes, and like no other. */
function lineOf(length: number, name: string): string {
  return `${name.repeat(Math.ceil(length / name.length)).slice(0, length)}\n`;
}

/** Resolves when it was handed to the kernel, or the connection is gone. */
function write(response: ServerResponse, part: string): Promise<void> {
  return new Promise((resolve) => response.write(part, () => resolve()));
}

/** What the node answers to a scan. */
interface Answer {
  readonly parts: readonly string[];
  /** Whether each part is on its way before the next one is written. */
  readonly pauses?: boolean;
}

/** The node gives the answer of this place to a scan with this prefix. */
function answers(...all: readonly Answer[]): void {
  node.answer = (response) => {
    const { searchParams } = new URL(response.req.url ?? '', 'http://node');
    const { parts, pauses = false } = all[Number(searchParams.get('prefix'))] ?? { parts: [] };
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    void (async () => {
      for (const part of parts) {
        await write(response, part);
        if (pauses) await setImmediate();
      }
      response.end();
    })();
  };
}

async function scan(place = 0): Promise<NodeScan> {
  return transport.scan({ meta: false, prefix: stringValue(String(place)) });
}

/** What a reader finds in a chunk that it looks at only after a while. */
async function readSlowly(lines: PairLines, waits: (chunk: number) => boolean): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of lines) {
    if (waits(parts.length)) await setTimeout(1);
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts).toString();
}

/** Until what the other end of a connection did has come about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(1);
}

describe('a scan that is read into buffers that are used again', () => {
  it('gives every byte as it was sent, in parts of any length, to readers of any speed, several at once', async () => {
    const length = fc.oneof(
      fc.nat(200),
      fc.integer({ min: 0, max: 70 * KIB }),
      fc.integer({ min: 120 * KIB, max: 400 * KIB }),
    );
    const answer = fc.record({
      lengths: fc.array(length, { maxLength: 30 }),
      pauses: fc.boolean(),
      waits: fc.nat(5),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (scans) => {
        const sent = scans.map(({ lengths, pauses }, place) => ({
          parts: lengths.map((each, i) => lineOf(each, `${place}.${i},`)),
          pauses,
        }));
        answers(...sent);
        const read = await Promise.all(
          scans.map(async ({ waits }, place) =>
            readSlowly((await scan(place)).lines, (chunk) => waits > 0 && chunk % waits === 0),
          ),
        );
        expect(read.map((text, place) => text === sent[place]?.parts.join(''))).toEqual(
          scans.map(() => true),
        );
      }),
      { numRuns: 15 },
    );
    expect(buffers.made).toBeLessThan(60);
    expect(buffers.made).toBeGreaterThan(0);
  });

  it('makes a few buffers, however much it is', async () => {
    const parts = Array.from({ length: 500 }, (_, i) => lineOf(64 * KIB, `${i},`));
    answers({ parts });
    for (let i = 0; i < 3; i++) {
      expect((await readSlowly((await scan()).lines, () => false)) === parts.join('')).toBe(true);
    }
    expect(buffers.made).toBeLessThan(12);
    expect(buffers.made).toBeGreaterThan(0);
  });

  it('takes no more than its reader does, but for a few buffers', async () => {
    const parts = Array.from({ length: 500 }, (_, i) => lineOf(64 * KIB, `${i},`));
    answers({ parts });
    const chunks = (await scan()).lines[Symbol.asyncIterator]();
    await chunks.next();
    let before = -1;
    while (buffers.inUse !== before) {
      before = buffers.inUse;
      await setTimeout(50);
    }
    expect(buffers.inUse).toBeLessThan(8);
    expect(buffers.inUse).toBeGreaterThan(0);
    await chunks.return?.();
  });

  it('holds little for parts that are tiny', async () => {
    const parts = Array.from({ length: 2000 }, (_, i) => lineOf(20, `${i},`));
    answers({ parts, pauses: true });
    expect(await readSlowly((await scan()).lines, (chunk) => chunk % 100 === 0)).toBe(parts.join(''));
    expect(buffers.mostInUse).toBeLessThan(4);
    expect(buffers.mostInUse).toBeGreaterThan(0);
  });

  it('is whole where the node closes the connection behind it, however late it is read', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => lineOf(20 * KIB, `${i},`));
    node.answer = (response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' });
      for (const part of parts) response.write(part);
      response.end();
    };
    expect((await readSlowly((await scan()).lines, () => true)) === parts.join('')).toBe(true);
    await until(() => buffers.inUse === 0);
  });

  it('goes over a connection that is kept', async () => {
    answers({ parts: [lineOf(100 * KIB, 'x')] });
    for (let i = 0; i < 10; i++) await readSlowly((await scan()).lines, () => false);
    // One may be on its way back to the pool while the next request begins.
    expect(new Set(node.requests.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  });
});

describe('the buffers of a scan are free again', () => {
  const areFreeAfterUse = async (): Promise<void> => {
    expect(buffers.made).toBeGreaterThan(0);
    await until(() => buffers.inUse === 0);
  };

  const endless = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    void (async () => {
      while (!response.destroyed) await write(response, lineOf(50 * KIB, 'x'));
    })();
  };

  it('when the transport is closed after it', async () => {
    answers({ parts: [lineOf(1000 * KIB, 'x')] });
    await readSlowly((await scan()).lines, () => false);
    transport.close();
    await areFreeAfterUse();
  });

  it('when its reader goes away', async () => {
    node.answer = endless;
    for await (const chunk of (await scan()).lines) if (chunk.length > 0) break;
    await areFreeAfterUse();
  });

  it('when it is closed while it is read, or the node cuts it', async () => {
    node.answer = endless;
    const closed = await scan();
    const reading = readSlowly(closed.lines, (chunk) => {
      if (chunk === 20) closed.close();
      return false;
    });
    await expect(reading).rejects.toBeInstanceOf(TransportError);
    const cut = readSlowly((await scan()).lines, (chunk) => {
      if (chunk === 20) node.requests.at(-1)?.socket.destroy();
      return false;
    });
    await expect(cut).rejects.toBeInstanceOf(TransportError);
    await areFreeAfterUse();
  });

  it('when the node refuses it', async () => {
    node.json({ code: 'engine_unavailable' }, 503, 'application/problem+json');
    await expect(scan()).rejects.toBeInstanceOf(TransportError);
    await until(() => buffers.inUse === 0);
  });

  it('when there is no connection', async () => {
    await node.stop();
    await expect(scan()).rejects.toBeInstanceOf(TransportError);
    await until(() => buffers.inUse === 0);
  });
});

it('a connection that does not read into buffers of others is read as any is', async () => {
  const parts = Array.from({ length: 50 }, (_, i) => lineOf(30 * KIB, `${i},`));
  answers({ parts });
  transport.close();
  transport = connect({ connect: (host, port) => connectPlain(host, port) });
  expect((await readSlowly((await scan()).lines, (chunk) => chunk % 5 === 0)) === parts.join('')).toBe(true);
  expect(buffers.made).toBe(0);
});

it('batches are not read into them', async () => {
  const key = stringKey('k');
  node.json([{ key, value: true }]);
  expect(await transport.query([key])).toEqual([{ ok: true, present: true }]);
  expect(buffers.made).toBe(0);
});
