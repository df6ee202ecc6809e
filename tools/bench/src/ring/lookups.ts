import { compete, timesAsFast, type Contestant, type ContestResult } from '../harness/contest.js';
import { freshLoop } from '../harness/fresh-loop.js';
import { randomKeys } from '../harness/random.js';
import { medianRatio } from '../harness/statistics.js';
import { atLeast, atMost, type Goal, type ReportPart, type Table } from '../harness/report.js';
import { equalNodes } from './nodes.js';
import { hashring, ours, variants, type Peer } from './peers.js';
import type { RingRunSize } from './run-size.js';

const KEY_LENGTH = 16;

/** Measures lookups of random keys in rings of all sizes, all in one contest, so that sizes compare too. */
export function measureLookups(runSize: RingRunSize): ReportPart {
  const entries = runSize.nodeCounts.flatMap((nodeCount) =>
    variants.map((peer) => ({ peer, nodeCount, contestant: lookups(peer, nodeCount, runSize) })),
  );
  const results = compete(
    entries.map(({ contestant }) => contestant),
    { rounds: runSize.lookupRounds, turnMs: runSize.turnMs, warmUpMs: runSize.warmUpMs },
  );
  const resultOf = (peer: Peer, nodeCount: number) => {
    const result =
      results[entries.findIndex((entry) => entry.peer === peer && entry.nodeCount === nodeCount)];
    if (result === undefined) throw new Error(`${peer.name} did not take part with ${nodeCount} nodes`);
    return result;
  };
  return { tables: [tableOf(runSize, resultOf)], goals: goalsOf(runSize, resultOf) };
}

type ResultOf = (peer: Peer, nodeCount: number) => ContestResult;

/** Returns a contestant that looks up keys in a ring of equal nodes. */
export function lookups(peer: Peer, nodeCount: number, { lookupKeyCount }: RingRunSize): Contestant {
  const name = `${peer.name}, ${nodeCount} nodes`;
  const { lookup } = peer.build(equalNodes(nodeCount));
  // Each has its own keys, because V8 replaces strings that a package uses as property names.
  const keys = randomKeys(lookupKeyCount, KEY_LENGTH, nodeCount);
  const loop = freshLoop(name);
  let from = 0;
  return {
    name,
    run: (count) => {
      const found = loop(lookup, keys, from, count);
      // Continues after the last turn, because a cache has the keys of the beginning.
      from = (from + count) % lookupKeyCount;
      return found;
    },
  };
}

function tableOf({ nodeCounts }: RingRunSize, resultOf: ResultOf): Table {
  return {
    title: 'Lookups',
    note:
      `CPU time of one lookup of a random ${KEY_LENGTH}-byte string, the median of the rounds; in brackets ` +
      'half the interquartile range, and how many times as fast ours is in the same round.',
    columns: [{ title: 'nodes' }, ...nodeCounts.map((count) => ({ title: String(count) }))],
    rows: variants.map((peer) => [
      peer.name,
      ...nodeCounts.map((count) => {
        const result = resultOf(peer, count);
        const slower = timesAsFast(resultOf(ours, count), result);
        const ratio = peer === ours ? '' : `, ${slower.toFixed(1)} ×`;
        return `${result.median.toFixed(0)} ns (±${(result.spread * 50).toFixed(0)}%${ratio})`;
      }),
    ]),
  };
}

function goalsOf({ nodeCounts }: RingRunSize, resultOf: ResultOf): Goal[] {
  const others = variants.filter((peer) => peer !== ours);
  const perCount = nodeCounts.flatMap((count) => {
    const us = resultOf(ours, count);
    const fastest = others
      .map((peer) => resultOf(peer, count))
      .reduce((best, result) => (result.median < best.median ? result : best));
    const overHashring = timesAsFast(us, resultOf(hashring, count));
    return [
      atLeast(`${count} nodes: at least 40 times \`hashring\`, its cache missed`, 'times', overHashring, 40),
      atLeast(`${count} nodes: at least 2 times the fastest other`, 'times', timesAsFast(us, fastest), 2),
    ];
  });
  const first = resultOf(ours, nodeCounts.at(0) ?? 0);
  const last = resultOf(ours, nodeCounts.at(-1) ?? 0);
  const growth = medianRatio(last.samples, first.samples);
  const text = `a lookup among ${nodeCounts.at(-1)} nodes costs at most 1.3 times one among ${nodeCounts.at(0)}`;
  return [...perCount, atMost(text, 'ratio', growth, 1.3)];
}
