import { atLeast, atMost, type Findings } from '../harness/report.js';
import { inChild } from '../harness/in-child.js';
import type { HoldManyInput, HoldManyOutput } from './children/hold-many.js';
import type { EnginesScale } from './scale.js';

/** The max number of entries of a Map in V8. */
const MAP_LIMIT = 2 ** 24;

/** Fills one memory engine with more pairs than a Map can hold; in a quick run with fewer. */
export async function measureMany(
  { manyPairCount }: EnginesScale,
  progress: (message: string) => void,
): Promise<Findings> {
  progress(`${manyPairCount.toLocaleString('en')} pairs…`);
  const readCount = Math.min(100_000, manyPairCount);
  const input: HoldManyInput = { count: manyPairCount, maxMemoryBytes: 4 * 1024 ** 3, readCount };
  const engine = await inChild<HoldManyOutput>('engines/children/hold-many', input, ['--expose-gc']);
  const rightShare = engine.rightCount / readCount;
  return {
    tables: [
      {
        title: 'Many pairs',
        note:
          'One memory engine with pairs of 8 and 8 bytes. Some are chosen at random, read back and compared: ' +
          `${readCount.toLocaleString('en')}. A Map in V8 has at most ${MAP_LIMIT.toLocaleString('en')} entries.`,
        columns: [
          { title: 'pairs', unit: 'count' },
          { title: 'own account', unit: 'MB' },
          { title: 'RSS growth', unit: 'MB' },
          { title: 'read back right', unit: 'share' },
        ],
        rows: [[engine.pairCount, engine.ownBytes, engine.grownBytes, rightShare]],
      },
    ],
    goals: [
      ...(manyPairCount > MAP_LIMIT
        ? [atLeast('memory holds more pairs than a Map can', 'count', engine.pairCount, MAP_LIMIT + 1)]
        : []),
      atLeast('pairs read back with the right value', 'share', rightShare, 1),
      atMost('absent keys that the engine finds', 'count', engine.strangerCount, 0),
    ],
  };
}
