import type { Cell, Findings } from '../harness/report.js';
import { atLeast, atMost } from '../harness/report.js';
import type { FillMapOutput } from './children/fill-map.js';
import type { HoldManyInput, HoldManyOutput } from './children/hold-many.js';
import { inChild } from '../harness/in-child.js';
import type { EnginesScale } from './scale.js';

/** The most entries that V8 gives a Map. */
const MAP_LIMIT = 2 ** 24;

/** One memory engine with more pairs than a Map can have entries; in a quick run with fewer. */
export async function measureMany(
  { manyPairCount, showsMapLimit }: EnginesScale,
  progress: (message: string) => void,
): Promise<Findings> {
  progress(`${manyPairCount.toLocaleString('en')} pairs…`);
  const readCount = Math.min(100_000, manyPairCount);
  const input: HoldManyInput = { count: manyPairCount, maxMemoryBytes: 4 * 1024 ** 3, readCount };
  const engine = await inChild<HoldManyOutput>('engines/children/hold-many', input, ['--expose-gc']);
  const map = showsMapLimit
    ? await inChild<FillMapOutput>('engines/children/fill-map', undefined, ['--max-old-space-size=4096'])
    : undefined;
  const isMore = manyPairCount > MAP_LIMIT;
  const mapRow: Cell[][] =
    map === undefined ? [] : [['bare Map', map.entries, null, null, `${map.error}`, null]];
  return {
    tables: [
      {
        title: 'Many pairs',
        note:
          'One engine in one process, pairs of 8 bytes and 8 bytes' +
          (isMore
            ? ''
            : `; scaled down, so it says nothing of the ${MAP_LIMIT.toLocaleString('en')} entries of a Map`) +
          `. ${readCount.toLocaleString('en')} of them, chosen at random, are read back and compared.`,
        columns: [
          { title: '' },
          { title: 'pairs', unit: 'count' },
          { title: 'own account', unit: 'MB' },
          { title: 'process', unit: 'MB' },
          { title: 'at the end' },
          { title: 'read back right', unit: 'share' },
        ],
        rows: [
          [
            'memory',
            engine.pairCount,
            engine.ownBytes,
            engine.grownBytes,
            'takes more',
            engine.rightCount / readCount,
          ],
          ...mapRow,
        ],
      },
    ],
    goals: [
      ...(isMore
        ? [atLeast('memory holds more pairs than a Map can', 'count', engine.pairCount, MAP_LIMIT + 1)]
        : []),
      atLeast('what was written is read back', 'share', engine.rightCount / readCount, 1),
      atMost('what was not written is not there', 'count', engine.strangerCount, 0),
    ],
  };
}
