import type { Cell, Findings, Goal, Table } from '../harness/report.js';
import { atMost } from '../harness/report.js';
import type { HoldPairsInput, HoldPairsOutput } from './children/hold-pairs.js';
import { inChild } from '../harness/in-child.js';
import { pairBatches, type PairShape } from './pairs.js';
import { connect, memoryOf, withRedis } from './redis-server.js';
import type { EnginesScale } from './scale.js';

/** Measures the bytes per pair, by its shape. */
export async function measureMemory(
  scale: EnginesScale,
  withServer: boolean,
  progress: (message: string) => void,
): Promise<Findings> {
  const count = scale.heldPairCount;
  const held: Held[] = [];
  for (const shape of scale.shapes) {
    progress(`bytes of pairs with ${shape.name}…`);
    const hold = (holder: HoldPairsInput['holder']): Promise<HoldPairsOutput> =>
      inChild('engines/children/hold-pairs', { holder, shape, count } satisfies HoldPairsInput, [
        '--expose-gc',
      ]);
    held.push({
      shape,
      memory: await hold('memory'),
      map: await hold('map'),
      lmdb: await hold('lmdb'),
      redis: withServer ? await holdInRedis(shape, count) : undefined,
    });
  }
  for (const { memory, map, lmdb, redis } of held) {
    for (const holder of [memory, map, lmdb, redis])
      if (holder !== undefined && holder.pairCount !== count) throw new Error('pairs were lost');
  }
  return { tables: [tableOf(held, count)], goals: goalsOf(held, count) };
}

interface Held {
  readonly shape: PairShape;
  readonly memory: HoldPairsOutput;
  readonly map: HoldPairsOutput;
  readonly lmdb: HoldPairsOutput;
  readonly redis: HoldPairsOutput | undefined;
}

/** Starts a server for each shape, because an emptied server takes other memory than a new one. */
function holdInRedis(shape: PairShape, count: number): Promise<HoldPairsOutput> {
  return withRedis(async (server) => {
    const client = connect(server, 0);
    // Bytes are stored as bytes, not as hexadecimal digits.
    const encoding = shape.encoding === 'binary' ? 'hex' : 'utf8';
    await client.ping();
    const before = await memoryOf(server);
    for (const { plainKeys, plainValues } of pairBatches(shape, count, 1000))
      await client.mset(plainKeys.flatMap((key, at) => [key, Buffer.from(plainValues[at] ?? '', encoding)]));
    const after = await memoryOf(server);
    const pairCount = await client.dbsize();
    client.disconnect();
    return {
      pairCount,
      ownBytes: after.used - before.used,
      grownBytes: after.resident - before.resident,
    };
  });
}

function tableOf(held: readonly Held[], count: number): Table {
  return {
    title: 'Bytes of a pair',
    note:
      `With ${count.toLocaleString('en')} pairs of 16-byte keys, each holder in a process of its own. The own account of ` +
      'redis-server is the growth of `used_memory`; process is the growth of RSS.',
    columns: [
      { title: 'values' },
      { title: '' },
      { title: 'own account', unit: 'bytes' },
      { title: 'of redis', unit: 'ratio' },
      { title: 'process', unit: 'bytes' },
      { title: 'of redis', unit: 'ratio' },
      { title: 'file', unit: 'bytes' },
    ],
    rows: held.flatMap(({ shape, memory, map, lmdb, redis }) => {
      const row = (name: string, { ownBytes, grownBytes, fileBytes }: HoldPairsOutput): Cell[] => [
        shape.name,
        name,
        over(ownBytes, count),
        over(ownBytes, redis?.ownBytes),
        over(grownBytes, count),
        over(grownBytes, redis?.ownBytes),
        over(fileBytes, count),
      ];
      const rows = [row('memory', memory), row('bare Map', map), row('lmdb', lmdb)];
      return redis === undefined ? rows : [...rows, row('redis-server', redis)];
    }),
  };
}

function over(bytes: number | undefined, of: number | undefined): number | null {
  return bytes === undefined || of === undefined ? null : bytes / of;
}

function goalsOf([first, ...others]: readonly Held[], count: number): Goal[] {
  if (first === undefined) return [];
  const goals: Goal[] = [];
  const { memory, redis } = first;
  const pairs = `${count.toLocaleString('en')} pairs of 16 and ${first.shape.valueBytes} bytes`;
  if (redis?.ownBytes !== undefined) {
    const text = `${pairs} take at most 1.3 times redis-server's used_memory`;
    const goal = (how: string, bytes = NaN) =>
      atMost(`${text}, ${how}`, 'ratio', bytes / (redis.ownBytes ?? NaN), 1.3);
    goals.push(
      goal("by memory's own account", memory.ownBytes),
      goal('by what its process grew by', memory.grownBytes),
    );
  }
  for (const { shape, memory: binary } of others) {
    if (shape.encoding !== 'binary' || shape.valueBytes !== first.shape.valueBytes) continue;
    const ratio = (binary.ownBytes ?? NaN) / (memory.ownBytes ?? NaN);
    goals.push(atMost('bytes take no more than as much text', 'ratio', ratio, 1.01));
  }
  return goals;
}
