import {
  KvsError,
  NodesUnavailableError,
  type PairLines,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';
import { linesFrom, MapOperations } from '@kvs/protocol/testing';
import { jsonOf, TestServer } from '../testing/test-server.js';

type Answer = Partial<ScanAnswer> & { readonly lines: PairLines };

/** Answers scans as told, and notes what was asked and whether it was closed. */
class ScanOperations extends MapOperations {
  readonly asked: unknown[] = [];
  closed = 0;
  answer: (request: ScanRequest) => Answer = ({ format }) => ({
    lines: linesFrom(['{"a":1}\n', '{"b":2}\n'].map((line) => (format === 'items' ? `,${line}` : line))),
  });

  override async scan(request: ScanRequest): Promise<ScanAnswer> {
    this.asked.push(request);
    return { missingNodes: [], close: () => void this.closed++, ...this.answer(request) };
  }
}

let operations: ScanOperations;
let server: TestServer;
beforeEach(async () => {
  operations = new ScanOperations();
  server = await TestServer.start(operations);
});
afterEach(() => server.stop());

/** Lines of which none comes until `close` is called, as from a node that takes its time. */
function waiting(first: string[] = []): { lines: PairLines; begun: Promise<void>; close: () => void } {
  let release = (): void => undefined;
  let begin = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const lines = (async function* () {
    yield* linesFrom(first);
    begin();
    await released;
    throw new KvsError('node_unavailable', 'closed');
  })();
  return { lines, begun, close: release };
}

describe('GET /fetch', () => {
  it('is an array, or lines for those who ask for them', async () => {
    const array = await server.send('GET', '/fetch');
    expect([array.headers['content-type'], array.text]).toEqual([
      'application/json; charset=utf-8',
      '[{"a":1}\n,{"b":2}\n]',
    ]);
    const lines = await server.send('GET', '/fetch', {
      headers: { accept: 'text/html, Application/X-NDJSON;q=0.9' },
    });
    expect([lines.headers['content-type'], lines.text]).toEqual([
      'application/x-ndjson',
      '{"a":1}\n{"b":2}\n',
    ]);
  });

  it('is in neither form for those who accept none, and is not begun', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await server.send(method, '/fetch', { headers: { accept: 'text/html' } });
      expect([status, headers['content-type']]).toEqual([406, 'application/problem+json']);
    }
    const refused = await server.send('GET', '/fetch', { headers: { accept: '*/*;q=0' } });
    expect(jsonOf(refused)).toMatchObject({ code: 'not_acceptable' });
    expect(operations.asked).toEqual([]);
  });

  it('is an empty array when there is nothing', async () => {
    operations.answer = () => ({ lines: linesFrom([]) });
    expect(jsonOf(await server.send('GET', '/fetch'))).toEqual([]);
  });

  it('asks for what its parameters say', async () => {
    await server.send('GET', '/fetch?prefix=AB&encoding=binary&meta=true&partial=true');
    expect(operations.asked).toEqual([
      {
        prefix: { encoding: 'binary', data: 'ab' },
        meta: true,
        partial: true,
        format: 'items',
      },
    ]);
  });

  it('is a page if it has a limit or a cursor, with the cursor of the next page unless it is the last', async () => {
    const page = await server.send('GET', '/fetch?limit=1&cursor=76');
    expect([page.status, page.headers['kvs-next-cursor']]).toEqual([200, '77']);
    const last = await server.send('GET', '/fetch?cursor=4095');
    expect(last.headers).not.toHaveProperty('kvs-next-cursor');
    expect(operations.asked).toEqual([
      { meta: false, partial: false, format: 'items', partitions: [76] },
      { meta: false, partial: false, format: 'items', partitions: [4095] },
    ]);
    const headers = { accept: 'application/x-ndjson' };
    const lines = await server.send('GET', '/fetch?cursor=4095', { headers });
    expect([jsonOf(last), lines.text]).toEqual([[{ a: 1 }, { b: 2 }], '{"a":1}\n{"b":2}\n']);
  });

  it('is 207 and names the nodes when some are missing from a partial answer', async () => {
    operations.answer = () => ({ lines: linesFrom([',1\n']), missingNodes: ['a:1', 'b:2'] });
    const { status, headers, text } = await server.send('GET', '/fetch?partial=true');
    expect([status, headers['kvs-missing-nodes'], text]).toEqual([207, 'a:1, b:2', '[1\n]']);
  });

  it('is 503 and names the nodes when it needs those that are away', async () => {
    operations.answer = () => {
      throw new NodesUnavailableError(['a:1']);
    };
    const answer = await server.send('GET', '/fetch');
    expect([answer.status, answer.headers['retry-after'], jsonOf(answer)]).toMatchObject([
      503,
      '1',
      { code: 'node_unavailable', nodes: ['a:1'] },
    ]);
  });
});

describe.each([
  ['application/json', ',1\n'],
  ['application/x-ndjson', '1\n'],
])('a scan for %s', (accept, pair) => {
  const breaking = (lines: string[]): PairLines =>
    (async function* () {
      yield* linesFrom(lines);
      throw new KvsError('engine_unavailable', 'gone');
    })();

  it('that breaks after its first byte is cut, and closed', async () => {
    operations.answer = () => ({ lines: breaking([pair, pair]) });
    const { status, whole, text } = await server.send('GET', '/fetch', { headers: { accept } });
    expect([status, whole]).toEqual([200, false]);
    expect(text.endsWith(']')).toBe(false);
    expect(operations.closed).toBeGreaterThan(0);
  });

  it('that fails before its first byte is a problem, and closed', async () => {
    operations.answer = () => ({ lines: breaking([]) });
    const answer = await server.send('GET', '/fetch', { headers: { accept } });
    expect([answer.status, jsonOf(answer)]).toMatchObject([503, { code: 'engine_unavailable' }]);
    expect(operations.closed).toBeGreaterThan(0);
  });

  it.each([
    ['before anything came', []],
    ['in the middle', [pair]],
  ])('is closed at once when the client goes away %s, though nothing more comes', async (_, first) => {
    const scan = waiting(first);
    const closed = new Promise<void>((resolve) => {
      operations.answer = () => ({
        lines: scan.lines,
        close: () => {
          scan.close();
          resolve();
        },
      });
    });
    const opened = server.open('GET', '/fetch', { headers: { accept } });
    opened.catch(() => undefined); // it is cut below
    await scan.begun;
    if (first.length > 0) (await opened).socket.resetAndDestroy();
    else server.hangUp();
    await closed;
    await server.budget.drain();
    expect(await scan.lines[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });
});

describe.each(['/fetch', '/fetch?limit=1000'])(
  'a scan whose client goes away while it is opened: %s',
  (path) => {
    it('is closed as soon as it is open, and no other is opened', async () => {
      let open = (): void => undefined;
      const opening = new Promise<void>((resolve) => (open = resolve));
      const closed = new Promise<void>((resolve) => {
        const scan = waiting();
        operations.answer = () => ({
          lines: scan.lines,
          close: () => {
            scan.close();
            resolve();
          },
        });
      });
      const asked = new Promise<void>((resolve) => {
        const { scan } = operations;
        operations.scan = async (request) => {
          const answer = await scan.call(operations, request);
          resolve();
          await opening;
          return answer;
        };
      });
      server.open('GET', path).catch(() => undefined); // it is cut below
      await asked;
      server.hangUp();
      await server.budget.drain();
      open();
      await closed;
      expect(operations.asked).toHaveLength(1);
    });
  },
);

it('a page whose client goes away scans no further window', async () => {
  const second = new Promise<void>((resolve) => {
    operations.answer = () => {
      if (operations.asked.length === 2) resolve();
      return { lines: windowAfter(operations.asked.length) };
    };
  });
  let proceed = (): void => undefined;
  const gone = new Promise<void>((resolve) => (proceed = resolve));
  let lastEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => (lastEnded = resolve));
  async function* windowAfter(count: number): AsyncGenerator<Uint8Array> {
    yield* linesFrom([]);
    if (count === 1) return;
    await gone;
    lastEnded();
  }
  server.open('GET', '/fetch?limit=1000').catch(() => undefined); // it is cut below
  await second;
  server.hangUp();
  await server.budget.drain();
  proceed();
  await ended;
  await server.stop();
  expect(operations.asked).toHaveLength(2);
});

describe('HEAD /fetch', () => {
  it('has the headers of GET, and reads no pair', async () => {
    let read = 0;
    operations.answer = () => ({
      lines: (async function* () {
        read++;
        yield* linesFrom([',1\n']);
      })(),
    });
    const { status, headers, text } = await server.send('HEAD', '/fetch');
    expect([status, text, read]).toEqual([200, '', 0]);
    expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8' });
    expect(operations.closed).toBeGreaterThan(0);
  });

  it('of a page has its next cursor', async () => {
    const { text, headers } = await server.send('HEAD', '/fetch?limit=1');
    expect([text, headers['kvs-next-cursor']]).toEqual(['', '1']);
  });

  it('says so when nodes are away', async () => {
    operations.answer = () => {
      throw new NodesUnavailableError(['a:1']);
    };
    expect((await server.send('HEAD', '/fetch')).status).toBe(503);
  });
});
