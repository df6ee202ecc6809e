import { RedisProcess } from '@kvs/kv-store-redis/testing';
import type { Case } from '../harness/case.js';
import { inChild } from '../harness/in-child.js';
import { atMost, type Goal, type Table } from '../harness/report.js';
import { using } from '../harness/using.js';
import type { HoldPairsInput, HoldPairsOutput } from './children/hold-pairs.js';
import { pairBatches, SIZES } from './pairs.js';
import type { EnginesCaseOptions } from './run-size.js';

const MAX_RATIO = 1.3;

/** The bytes of pairs in memory and in redis-server. Without redis-server there is no verdict. */
export const bytes: Case<EnginesCaseOptions> = {
  name: 'bytes',
  measure: async ({ runSize: { heldPairs }, withRedis, progress }) => {
    const pairs = `${heldPairs.toLocaleString('en')} pairs of ${SIZES.keyBytes} and ${SIZES.valueBytes} bytes`;
    progress(`bytes of ${pairs}…`);
    const memory = await holdPairs({ ...SIZES, count: heldPairs });
    const held: [name: string, bytes: number][] = [
      ['memory, by its own count', memory.usedBytes],
      ['memory, by the growth of its process', memory.grownBytes],
    ];
    const goals: Goal[] = [];
    if (withRedis) {
      const used = await usedMemory(heldPairs);
      for (const [name, count] of held) {
        const text = `${pairs} in ${name}: at most ${MAX_RATIO} times \`used_memory\` of redis-server`;
        goals.push(atMost(text, 'ratio', count / used, MAX_RATIO));
      }
      held.push(['redis-server, `used_memory`', used]);
    }
    const table: Table = {
      title: `Bytes of each of ${pairs}`,
      columns: [{ title: '' }, { title: 'per pair', unit: 'bytes' }],
      rows: held.map(([name, count]) => [name, count / heldPairs]),
    };
    return { tables: [table], goals };
  },
};

/** Fills a memory engine in a process of its own. */
export function holdPairs(input: HoldPairsInput): Promise<HoldPairsOutput> {
  return inChild('engines/children/hold-pairs', input, ['--expose-gc']);
}

/** Returns how much `used_memory` of a new redis-server grows by so many pairs. */
async function usedMemory(count: number): Promise<number> {
  return using(await RedisProcess.start(), async ({ admin }) => {
    const used = async () => Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1]);
    const before = await used();
    for (const { texts } of pairBatches(SIZES, count, 1000)) await admin.mset(texts.flat());
    return (await used()) - before;
  });
}
