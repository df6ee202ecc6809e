import type { Case } from '../harness/case.js';
import { atLeast, atMost } from '../harness/report.js';
import { holdPairs } from './bytes.js';
import type { EnginesCaseOptions } from './run-size.js';

/** The max number of entries of a Map in V8. */
const MAP_LIMIT = 2 ** 24;

/** One memory engine with more pairs than a Map can hold; in a quick run with fewer. */
export const many: Case<EnginesCaseOptions> = {
  name: 'many',
  measure: async ({ runSize: { manyPairs }, progress }) => {
    const pairs = `${manyPairs.toLocaleString('en')} pairs`;
    progress(`${pairs}…`);
    const { pairCount, readCount, wrongCount } = await holdPairs({
      keyBytes: 8,
      valueBytes: 8,
      count: manyPairs,
    });
    const reads = readCount.toLocaleString('en');
    return {
      tables: [],
      goals: [
        ...(manyPairs > MAP_LIMIT
          ? [atLeast('memory holds more pairs than a Map can', 'count', pairCount, MAP_LIMIT + 1)]
          : []),
        atMost(`${pairs}: no wrong answer to reads of ${reads} keys`, 'count', wrongCount, 0),
      ],
    };
  },
};
