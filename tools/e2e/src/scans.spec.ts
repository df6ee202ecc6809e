import type { EncodedData } from '@kvs/protocol';
import { LocalCluster } from '@kvs-tools/local-cluster';
import { binary, string } from './support/data.js';
import { open, readAll, send } from './support/http.js';
import { canMeasureMemory, residentBytes } from './support/memory.js';

interface Pair {
  readonly key: EncodedData;
  readonly value: EncodedData;
}

const PAIRS: readonly Pair[] = [
  ...Array.from({ length: 700 }, (_, i) => ({ key: string(`user:${i}`), value: string(`\n"${i}"\\`) })),
  ...Array.from({ length: 200 }, (_, i) => ({ key: string(`post:${i}`), value: binary('') })),
  ...Array.from({ length: 100 }, (_, i) => ({
    key: binary(`ff${i.toString(16).padStart(4, '0')}`),
    value: string('é😀'),
  })),
];

const sorted = (pairs: readonly Pair[]): string[] => pairs.map((pair) => JSON.stringify(pair)).sort();

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.start(3);
  await send('PUT', `${cluster.origin}/set`, { body: PAIRS });
});
afterAll(() => cluster.stop());

/** Reads all pages, one after the other. */
async function pages(origin: string, query: string): Promise<Pair[][]> {
  const result: Pair[][] = [];
  for (let cursor: string | null = '0'; cursor !== null;) {
    const { status, headers, json } = await send('GET', `${origin}/fetch?${query}&cursor=${cursor}`);
    expect(status).toBe(200);
    result.push(json as Pair[]);
    cursor = headers.get('kvs-next-cursor');
  }
  return result;
}

describe('through the proxy', () => {
  it('every pair comes once', async () => {
    const { status, json } = await send('GET', `${cluster.origin}/fetch`);
    expect(status).toBe(200);
    expect(sorted(json as Pair[])).toEqual(sorted(PAIRS));
  });

  it('every pair comes once as a line', async () => {
    const { headers, text } = await send('GET', `${cluster.origin}/fetch`, {
      headers: { accept: 'application/x-ndjson' },
    });
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    expect(text.endsWith('\n')).toBe(true);
    const lines = text.trimEnd().split('\n');
    expect(sorted(lines.map((line) => JSON.parse(line) as Pair))).toEqual(sorted(PAIRS));
  });

  it.each([
    [1, 'user:69', 11],
    [25, '', 900],
    [100, '', 900],
    [899, '', 900],
    [5000, '', 900],
  ])('every pair comes once over pages of about %i', async (limit, prefix, count) => {
    const result = await pages(cluster.origin, `limit=${limit}&prefix=${prefix}`);
    const belong = PAIRS.filter(({ key }) => key.encoding === 'string' && key.data.startsWith(prefix));
    expect(belong).toHaveLength(count);
    expect(sorted(result.flat())).toEqual(sorted(belong));
    // Partitions hold few pairs here, so pages are about as long as requested.
    for (const page of result.slice(0, -1)) {
      expect(page.length).toBeGreaterThanOrEqual(limit);
      expect(page.length).toBeLessThan(limit + 10);
    }
  });

  it('pairs that exist during the whole scan come exactly once, whatever is written meanwhile', async () => {
    const seen: Pair[] = [];
    let cursor: string | null = '0';
    for (let round = 0; cursor !== null; round++) {
      const body = [
        { key: string(`noise:${round}`), value: string('') },
        ...PAIRS.slice(round * 10, round * 10 + 10), // the same values again
      ];
      await send('PUT', `${cluster.origin}/set`, { body });
      await send('POST', `${cluster.origin}/delete`, { body: [string(`noise:${round - 3}`)] });
      const answer = await send('GET', `${cluster.origin}/fetch?limit=50&cursor=${cursor}`);
      seen.push(...(answer.json as Pair[]));
      cursor = answer.headers.get('kvs-next-cursor');
    }
    expect(sorted(seen.filter(({ key }) => !key.data.startsWith('noise:')))).toEqual(sorted(PAIRS));
    await send('POST', `${cluster.origin}/delete`, {
      body: Array.from({ length: 200 }, (_, i) => string(`noise:${i}`)),
    });
  });

  it.each([
    ['prefix=user:', ({ key }: Pair) => key.encoding === 'string' && key.data.startsWith('user:')],
    ['prefix=user:6', ({ key }: Pair) => key.encoding === 'string' && key.data.startsWith('user:6')],
    ['prefix=FF00&encoding=binary', ({ key }: Pair) => key.encoding === 'binary'],
    ['encoding=binary', ({ key }: Pair) => key.encoding === 'binary'],
    ['prefix=', ({ key }: Pair) => key.encoding === 'string'],
    ['prefix=nobody', () => false],
  ])('%s filters', async (query, belongs) => {
    const all = await send('GET', `${cluster.origin}/fetch?${query}`);
    expect(sorted(all.json as Pair[])).toEqual(sorted(PAIRS.filter(belongs)));
    const paged = await pages(cluster.origin, `${query}&limit=40`);
    expect(sorted(paged.flat())).toEqual(sorted(PAIRS.filter(belongs)));
  });

  it('meta=true adds versions and times to live', async () => {
    await send('PUT', `${cluster.origin}/set`, {
      body: [{ key: string('brief'), value: string(''), ttl_ms: 1_000_000 }],
    });
    const { json } = await send('GET', `${cluster.origin}/fetch?meta=true&prefix=brief`);
    expect(json).toEqual([
      { key: string('brief'), value: string(''), version: expect.any(Number), ttl_ms: expect.any(Number) },
    ]);
    await send('POST', `${cluster.origin}/delete`, { body: [string('brief')] });
  });

  it('HEAD returns the headers of a scan without a body', async () => {
    const { status, text } = await send('HEAD', `${cluster.origin}/fetch`);
    expect([status, text]).toEqual([200, '']);
  });
});

describe('a scan of much more than all buffers hold', () => {
  const MIB = 1024 * 1024;
  const COUNT = 128;
  let large: LocalCluster;

  beforeAll(async () => {
    large = await LocalCluster.start(2);
    for (let i = 0; i < COUNT; i += 16) {
      const body = Array.from({ length: 16 }, (_, j) => ({
        key: string(`${i + j}`),
        value: string('v'.repeat(MIB)),
      }));
      expect((await send('PUT', `${large.origin}/set`, { body })).status).toBe(200);
    }
  });
  afterAll(() => large.stop());

  it('waits for a client that does not read, takes little memory of the proxy, and delays no other request', async () => {
    const before = memoryOf(large);
    const slow = await Promise.all(Array.from({ length: 2 }, () => open(`${large.origin}/fetch`)));
    // Both are in flight and neither is read. Other requests go on, and the proxy holds little.
    for (let i = 0; i < 20; i++) {
      const { status } = await send('POST', `${large.origin}/query`, { body: [string(`${i}`)] });
      expect(status).toBe(200);
    }
    const grown = memoryOf(large) - before;
    expect(grown).toBeLessThan((COUNT * MIB) / 2);
    const bodies = await Promise.all(slow.map(readAll));
    for (const { text, complete } of bodies) {
      expect(complete).toBe(true);
      expect(JSON.parse(text)).toHaveLength(COUNT);
    }
  });
});

function memoryOf({ proxy }: LocalCluster): number {
  return canMeasureMemory ? residentBytes(proxy.pid) : 0;
}
