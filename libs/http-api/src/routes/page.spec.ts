import { text as textOf } from 'node:stream/consumers';
import {
  countNewlines,
  keyId,
  KvsError,
  partitionOf,
  stringKey,
  stringValue,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { collectPage, type PageAnswer, type PageRequest } from './page.js';

type Window = ScanRequest & { readonly partial: boolean };

/** Partitions that hold as many one-line pairs as `count` says, and what was asked of them. */
class FakePartitions {
  readonly windows: (readonly number[])[] = [];
  closed = 0;
  /** How many lines were read, in all windows. */
  given = 0;

  readonly #count: (partition: number) => number;
  readonly #lineBytes: number;

  constructor(count: (partition: number) => number, lineBytes = 8) {
    this.#count = count;
    this.#lineBytes = lineBytes;
  }

  readonly scan = async ({ partitions = [] }: Window): Promise<ScanAnswer> => {
    this.windows.push(partitions);
    return {
      missingNodes: [],
      lines: this.#linesOf(partitions),
      close: () => void this.closed++,
    };
  };

  async *#linesOf(partitions: readonly number[]): AsyncGenerator<Uint8Array> {
    for (const partition of partitions) {
      if (this.#count(partition) === 0) continue;
      const line = Buffer.from(`${String(partition).padEnd(this.#lineBytes - 1)}\n`);
      for (let i = 0; i < this.#count(partition); i++) {
        this.given++;
        yield line;
      }
    }
  }
}

const request: PageRequest = { cursor: 0, limit: 10, meta: false, partial: false };

async function countLines(lines: AsyncIterable<Uint8Array>): Promise<number> {
  let count = 0;
  for await (const chunk of lines) count += countNewlines(chunk);
  return count;
}

/** Of fake lines: the partition of each. */
async function partitionsIn(lines: AsyncIterable<Uint8Array>): Promise<number[]> {
  const text = await textOf(lines);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.trim()));
}

describe('a page', () => {
  it('ends with the partition in which it reaches its limit, and names the next one', async () => {
    const partitions = new FakePartitions(() => 4);
    const page = await collectPage(request, partitions.scan, { partitionOf: Number });
    expect([await countLines(page.lines), page.nextCursor]).toEqual([12, 3]);
  });

  it('starts at its cursor', async () => {
    const partitions = new FakePartitions(() => 100);
    const page = await collectPage({ ...request, cursor: 77 }, partitions.scan, { partitionOf: Number });
    expect([partitions.windows, page.nextCursor]).toEqual([[[77]], 78]);
  });

  it('holds a partition whole, however far that is over its limit', async () => {
    const partitions = new FakePartitions((partition) => (partition === 0 ? 500 : 0));
    expect(
      await countLines((await collectPage(request, partitions.scan, { partitionOf: Number })).lines),
    ).toBe(500);
  });

  it('is the last, without a next cursor, when it ends with the last partition', async () => {
    const partitions = new FakePartitions(() => 4);
    const page = await collectPage({ ...request, cursor: 4094, limit: 8 }, partitions.scan, {
      partitionOf: Number,
    });
    expect([await countLines(page.lines), 'nextCursor' in page]).toEqual([8, false]);
  });

  it('asks for each partition once, in order', async () => {
    const partitions = new FakePartitions((partition) => partition % 7);
    const { nextCursor = 4096 } = await collectPage({ ...request, limit: 3000 }, partitions.scan, {
      partitionOf: Number,
    });
    const asked = partitions.windows.flat();
    expect(asked).toEqual(Array.from({ length: asked.length }, (_, i) => i));
    expect(asked.length).toBeGreaterThanOrEqual(nextCursor);
  });

  it('widens its windows while it finds little, so that an empty store takes few of them', async () => {
    const partitions = new FakePartitions(() => 0);
    const page = await collectPage(request, partitions.scan, { partitionOf: Number });
    expect(partitions.windows.map(({ length }) => length)).toEqual([1, 4, 20, 100, 500, 2500, 971]);
    expect('nextCursor' in page).toBe(false);
  });

  it('is not much longer than asked for when pairs are spread evenly', async () => {
    const partitions = new FakePartitions((partition) => (partition % 3 === 0 ? 1 : 0));
    const page = await collectPage({ ...request, limit: 300 }, partitions.scan, { partitionOf: Number });
    const count = await countLines(page.lines);
    expect(count).toBeGreaterThanOrEqual(300);
    expect(count).toBeLessThan(330);
    expect(partitions.windows.length).toBeLessThan(12);
  });

  it('is cut off after the partition in which it reaches its limit, when a window found more', async () => {
    const partitions = new FakePartitions((partition) => (partition >= 30 ? 2 : 0));
    const page = await collectPage({ ...request, limit: 3 }, partitions.scan, { partitionOf: Number });
    expect([await countLines(page.lines), page.nextCursor]).toEqual([4, 32]);
  });

  it.each(['lines', 'items'] as const)('is cut off by the keys of its pairs, as %s', async (format) => {
    const keys = Array.from({ length: 1000 }, (_, i) => stringKey(`{${i}"`));
    const pairs = keys.map((key) => [keyId(key), { key, value: stringValue('v'), version: 1 }] as const);
    let scanned = 0;
    const scan = (window: Window): Promise<ScanAnswer> => {
      scanned += window.partitions?.length ?? 0;
      const operations = new MapOperations();
      for (const [id, pair] of pairs)
        if (window.partitions?.includes(partitionOf(pair.key))) operations.pairs.set(id, pair);
      return operations.scan(window);
    };
    const page = await collectPage({ ...request, format }, scan);
    const found = (await textOf(page.lines)).split('\n').slice(0, -1);
    expect(found.every((pair) => pair.startsWith(format === 'items' ? ',{' : '{'))).toBe(true);
    const { nextCursor = scanned } = page;
    expect(nextCursor).toBeLessThan(scanned);
    expect(found).toHaveLength(keys.filter((key) => partitionOf(key) < nextCursor).length);
  });

  it('ends early when it has many bytes, so that it can be held whatever the size of values', async () => {
    const MIB = 1024 * 1024;
    const partitions = new FakePartitions(() => 1, MIB);
    const page = await collectPage({ ...request, limit: 1_000_000 }, partitions.scan, {
      partitionOf: Number,
    });
    expect(page.nextCursor).toBe(8);
  });

  it('passes on the rest of a partition that is too large to be held, and ends with it', async () => {
    const MIB = 1024 * 1024;
    const partitions = new FakePartitions((partition) => (partition === 3 ? 60 : 1), MIB);
    const page = await collectPage({ ...request, cursor: 3, limit: 1 }, partitions.scan, {
      partitionOf: Number,
    });
    // Some 8 of 60 MiB have been read, and the rest waits for its reader.
    expect(partitions.given).toBeLessThan(10);
    expect(page.nextCursor).toBe(4);
    let most = 0;
    let lines = 0;
    for await (const chunk of page.lines) {
      lines += countNewlines(chunk);
      most = Math.max(most, partitions.given - lines);
    }
    expect([lines, partitions.closed]).toEqual([60, 0]);
    expect(most).toBeLessThan(10);
    page.close();
    expect(partitions.closed).toBe(1);
  });

  it('holds little of a large partition among small ones, and gives each pair once', async () => {
    const MIB = 1024 * 1024;
    const count = (partition: number): number => (partition === 2345 ? 30 : partition % 500 === 0 ? 1 : 0);
    const partitions = new FakePartitions(count, MIB);
    const seen: number[] = [];
    for (let cursor: number | undefined = 0; cursor !== undefined;) {
      const page: PageAnswer = await collectPage({ ...request, cursor, limit: 1000 }, partitions.scan, {
        partitionOf: Number,
      });
      seen.push(...(await partitionsIn(page.lines)));
      page.close();
      cursor = page.nextCursor;
    }
    const expected = Array.from({ length: 4096 }, (_, partition) => partition).flatMap((partition) =>
      new Array<number>(count(partition)).fill(partition),
    );
    expect(seen).toEqual(expected);
    expect(partitions.closed).toBe(partitions.windows.length);
  });

  it.each([1, 1000, 2000, 3333, 4095])(
    'scans few windows in vain to find that all is in partition %i',
    async (hot) => {
      const partitions = new FakePartitions((partition) => (partition === hot ? 30 : 0), 1024 * 1024);
      const page = await collectPage({ ...request, cursor: 0, limit: 1000 }, partitions.scan, {
        partitionOf: Number,
      });
      // Each of them halves what is left of 4,096 partitions.
      expect(partitions.closed).toBeLessThanOrEqual(2 * Math.log2(4096));
      expect(partitions.given).toBeLessThanOrEqual((Math.log2(4096) + 1) * 9);
      page.close();
    },
  );

  it('tells how many bytes it holds, as they come and when it gives a window up', async () => {
    const MIB = 1024 * 1024;
    const partitions = new FakePartitions((partition) => [1, 1, 0, 0, 0, 0, 0, 30][partition] ?? 0, MIB);
    const held: number[] = [];
    const page = await collectPage({ ...request, limit: 1000 }, partitions.scan, {
      partitionOf: Number,
      hold: (bytes) => void held.push(bytes / MIB),
    });
    const window = [3, 4, 5, 6, 7, 8, 9, 10];
    expect(held.slice(0, 13)).toEqual([1, 1, 2, 2, ...window, 2]);
    expect(held.slice(-window.length)).toEqual(window);
    page.close();
  });

  it('lets go of the rest when nobody reads it', async () => {
    const partitions = new FakePartitions(() => 100, 1024 * 1024);
    const page = await collectPage(request, partitions.scan, { partitionOf: Number });
    page.close();
    expect(partitions.closed).toBe(1);
  });

  it('breaks off where a node does, once it has begun', async () => {
    const broken = new KvsError('node_unavailable', 'gone');
    const lines = (async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 10; i++) yield Buffer.alloc(1024 * 1024, '\n');
      throw broken;
    })();
    const page = await collectPage(request, async () => ({
      missingNodes: [],
      lines,
      close: () => undefined,
    }));
    await expect(countLines(page.lines)).rejects.toBe(broken);
  });

  it('passes on prefix, meta and partial with every window', async () => {
    const seen: Window[] = [];
    const partitions = new FakePartitions(() => 4);
    const prefix = stringValue('a');
    const scan = (window: Window): Promise<ScanAnswer> => {
      seen.push(window);
      return partitions.scan(window);
    };
    await collectPage({ ...request, prefix, meta: true, partial: true }, scan, { partitionOf: Number });
    expect(seen.length).toBeGreaterThan(0);
    for (const window of seen) expect(window).toMatchObject({ prefix, meta: true, partial: true });
  });

  it('names each node once that any of its windows missed', async () => {
    const partitions = new FakePartitions(() => 4);
    const missing = [['a'], ['b', 'a'], []];
    const scan = async (window: Window): Promise<ScanAnswer> => ({
      ...(await partitions.scan(window)),
      missingNodes: missing[partitions.windows.length - 1] ?? [],
    });
    const page = await collectPage(request, scan, { partitionOf: Number });
    expect(page.missingNodes).toEqual(['a', 'b']);
  });

  it('closes each window that it opened', async () => {
    const partitions = new FakePartitions(() => 4);
    await collectPage(request, partitions.scan, { partitionOf: Number });
    expect(partitions.closed).toBe(partitions.windows.length);
  });

  it('fails, having closed the window, when a node breaks off', async () => {
    const broken = new KvsError('node_unavailable', 'gone');
    let closed = 0;
    const lines = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x\n');
      throw broken;
    })();
    const answer: ScanAnswer = { missingNodes: [], lines, close: () => void closed++ };
    await expect(collectPage(request, () => Promise.resolve(answer))).rejects.toBe(broken);
    expect(closed).toBe(1);
  });
});
