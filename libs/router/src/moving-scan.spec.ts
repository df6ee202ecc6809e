import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { ALL_PARTITIONS, NodesUnavailableError, partitionOf, stringKey, stringValue } from '@kvs/protocol';
import { ScanStoppedError, TransportError } from './node-transport.js';
import { idsIn } from './testing/fake-cluster.js';
import { MovingCluster, UNSEEN_MS } from './testing/moving-cluster.js';

const [one, two] = ['node-1:3000', 'node-2:3000'];
const all = { meta: false, partial: false };
const keys = Array.from({ length: 30 }, (_, i) => stringKey(`key-${i}`));
const ids = keys.map(({ data }) => `s${data}`).sort();
const partitions = [...new Set(keys.map(partitionOf))].sort((x, y) => x - y);
const middle = partitions[15] ?? 0;

/** The second half of the pairs is in these partitions. */
const later = ALL_PARTITIONS.filter((partition) => partition >= middle);

let cluster: MovingCluster;
beforeEach(async () => {
  cluster = new MovingCluster([one, two]);
  await cluster.router.set(keys.map((key) => ({ key, value: stringValue('v') })));
  for (const pair of cluster.node(one).pairs.entries()) cluster.node(two).pairs.set(...pair);
});
afterEach(() => cluster.router.close());

const openScans = () => [one, two].map((address) => cluster.node(address).openScans);

it('a scan finds partitions that moved before it began', async () => {
  cluster.moveUnseen(later, two);
  const { lines, close, missingNodes } = await cluster.router.scan(all);
  expect([await idsIn(lines), missingNodes]).toEqual([ids, []]);
  close();
  expect(openScans()).toEqual([0, 0]);
});

it('a scan goes on at the new node when a partition moves of which nothing was read', async () => {
  const { lines, close } = await cluster.router.scan(all);
  const iterator = lines[Symbol.asyncIterator]();
  const first = await iterator.next();
  cluster.moveUnseen(later, two);
  const rest = { [Symbol.asyncIterator]: () => iterator };
  expect([...(await idsIn(only(first.value))), ...(await idsIn(rest))].sort()).toEqual(ids);
  expect(openScans()).toEqual([1, 1]);
  close();
  expect(openScans()).toEqual([0, 0]);
});

describe('a scan that is closed while it has to go on elsewhere', () => {
  /** Begins a scan whose later partitions move, and reads it to its end. */
  async function read(prepare: (close: () => void) => void): Promise<void> {
    const { lines, close } = await cluster.router.scan(all);
    const iterator = lines[Symbol.asyncIterator]();
    await iterator.next();
    prepare(close);
    cluster.moveUnseen(later, two);
    await expect(textOf({ [Symbol.asyncIterator]: () => iterator })).rejects.toThrow(NodesUnavailableError);
  }

  it('asks no other node', async () => {
    await read((close) => cluster.time.after(UNSEEN_MS / 2, close));
    expect([openScans(), cluster.node(two).scans]).toEqual([[0, 0], []]);
  });

  it('lets go of a scan that another node has begun meanwhile', async () => {
    await read((close) => {
      const node = cluster.node(two);
      const scan = node.scan.bind(node);
      node.scan = (request, epoch) => {
        const opening = scan(request, epoch);
        close();
        node.scanFailure = new TransportError('broken', 'the stream was closed');
        return opening;
      };
    });
    expect([openScans(), cluster.node(two).scans.length]).toEqual([[0, 0], 1]);
  });
});

it('a scan waits for a partition without a primary', async () => {
  cluster.table.move([middle], undefined);
  cluster.moveLater(950, [middle], two);
  const { lines } = await cluster.router.scan(all);
  expect(await idsIn(lines)).toEqual(ids);
});

it('a scan fails when a partition has no primary for too long, unless it may be partial', async () => {
  cluster.table.move([middle], undefined);
  cluster.table.announce();
  await expect(cluster.router.scan(all)).rejects.toEqual(new NodesUnavailableError(['unassigned']));
  const { lines, missingNodes } = await cluster.router.scan({ ...all, partial: true });
  expect([(await idsIn(lines)).length, missingNodes]).toEqual([29, ['unassigned']]);
});

it('a scan breaks when the rest of it is served nowhere for too long', async () => {
  const { lines, close } = await cluster.router.scan(all);
  cluster.moveUnseen(later, undefined);
  await expect(idsIn(lines)).rejects.toEqual(new NodesUnavailableError(['unassigned']));
  close();
  expect(openScans()).toEqual([0, 0]);
});

it('a scan may have to go on thousands of times', async () => {
  const linesOf = async function* ([first = 0, ...others]: readonly number[] = []) {
    yield Buffer.from(`${first}\n`);
    if (first < 1500) throw new ScanStoppedError(first + 1, 'moved');
    yield Buffer.from(others.map((partition) => `${partition}\n`).join(''));
  };
  cluster.node(one).scan = async (request) => ({
    lines: linesOf(request.partitions ?? ALL_PARTITIONS),
    close: () => undefined,
  });
  const { lines } = await cluster.router.scan(all);
  expect((await textOf(lines)).split('\n').slice(0, -1).map(Number)).toEqual(ALL_PARTITIONS);
});

it('a scan breaks when its node is lost in the middle of a partition', async () => {
  cluster.node(one).scanFailure = new TransportError('broken', 'reset');
  const { lines } = await cluster.router.scan(all);
  await expect(idsIn(lines)).rejects.toEqual(new NodesUnavailableError([one]));
});

it('a scan asks the next node when one cannot be reached', async () => {
  cluster.node(one).failure = new TransportError('unconnected', 'gone');
  cluster.moveLater(250, ALL_PARTITIONS, two);
  const { lines } = await cluster.router.scan(all);
  expect(await idsIn(lines)).toEqual(ids);
});

describe('a scan whose node is lost before any of its pairs was read', () => {
  const lost = new TransportError('broken', 'reset');
  const lines = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(lost) }) };

  beforeEach(() => {
    cluster.node(one).scan = async () => ({ lines, close: () => undefined });
  });

  it('goes on at another node', async () => {
    const scan = await cluster.router.scan(all);
    cluster.moveUnseen(ALL_PARTITIONS, two);
    expect(await idsIn(scan.lines)).toEqual(ids);
  });

  it('asks no other node if it was closed', async () => {
    const scan = await cluster.router.scan(all);
    cluster.table.move(ALL_PARTITIONS, two);
    scan.close();
    await expect(idsIn(scan.lines)).rejects.toEqual(new NodesUnavailableError([one]));
    expect(cluster.time.nowMs()).toBe(0);
  });
});

/** Some partitions from one on, and where they are next; null: nowhere. */
const move = fc.record({
  from: fc.nat({ max: 29 }),
  count: fc.integer({ min: 1, max: 30 }),
  to: fc.constantFrom(one, two, null),
});

it('a scan gives each pair once or breaks, however partitions move while it is read', async () => {
  let complete = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(move), { maxLength: 40 }), async (moves) => {
      cluster.table.move(ALL_PARTITIONS, one);
      cluster.table.announce();
      const script = [...moves];
      const found: string[] = [];
      const { lines, close } = await cluster.router.scan(all);
      try {
        for await (const chunk of lines) {
          found.push(...(await idsIn(only(chunk))));
          const next = script.shift();
          if (next)
            cluster.moveUnseen(partitions.slice(next.from, next.from + next.count), next.to ?? undefined);
        }
        expect(found.sort()).toEqual(ids);
        complete++;
      } catch (error) {
        if (!(error instanceof NodesUnavailableError)) throw error;
        expect(new Set(found).size).toBe(found.length);
      } finally {
        close();
      }
    }),
    { numRuns: 100 },
  );
  expect(complete).toBeGreaterThan(0);
  expect(openScans()).toEqual([0, 0]);
});

async function* only(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
