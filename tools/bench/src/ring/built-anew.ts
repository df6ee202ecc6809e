import { diff, HashRing, PARTITION_COUNT } from '@kvs/hash-ring';
import type { ReportPart } from '../harness/report.js';
import type { RingRunSize } from './run-size.js';

/** Counts the partitions that a new node moves if the larger ring is built anew, and if the ring is evolved. */
export function measureBuiltAnew({ evolvedNodeCounts, nodeNameSets: families }: RingRunSize): ReportPart {
  const rows = evolvedNodeCounts.map((count) => {
    const samples = Array.from({ length: families }, (_, family) => sample(count, family));
    const average = (value: (one: Sample) => number) =>
      samples.reduce((sum, one) => sum + value(one), 0) / samples.length;
    return [
      String(count),
      Math.max(...samples.map(({ fullest }) => fullest)),
      average(({ anew }) => anew),
      average(({ anewBetweenOthers }) => anewBetweenOthers),
      average(({ evolved }) => evolved),
    ];
  });
  return {
    tables: [
      {
        title: 'Built anew or evolved',
        note:
          `When a node is added, as multiples of its fair share; averages over ${families} sets of node names, of the fullest ` +
          'the worst.',
        columns: [
          { title: 'nodes' },
          { title: 'fullest', unit: 'ratio' },
          { title: 'moved, built anew', unit: 'ratio' },
          { title: 'between the others', unit: 'ratio' },
          { title: 'moved, evolved', unit: 'ratio' },
        ],
        rows,
      },
    ],
    goals: [],
  };
}

interface Sample {
  readonly fullest: number;
  readonly anew: number;
  readonly anewBetweenOthers: number;
  readonly evolved: number;
}

function sample(count: number, family: number): Sample {
  const ids = Array.from({ length: count }, (_, index) => `node-${family}-${index}`);
  const added = `node-${family}-${count}`;
  const ring = new HashRing(ids);
  const anew = diff(ring, new HashRing([...ids, added])).moves;
  const fairShare = PARTITION_COUNT / (count + 1);
  return {
    fullest: ring.stats().maxOverMean,
    anew: anew.length / fairShare,
    anewBetweenOthers: anew.filter(({ to }) => to !== added).length / fairShare,
    evolved: diff(ring, ring.with(added)).moves.length / fairShare,
  };
}
