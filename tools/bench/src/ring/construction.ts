import { compete, type Contestant, type ContestResult } from '../harness/contest.js';
import { medianRatio } from '../harness/statistics.js';
import { atMost, type ReportPart, type Table } from '../harness/report.js';
import { equalNodes, idOf } from './nodes.js';
import { hashring, ours, packages, type BuiltRing, type Peer } from './peers.js';
import type { RingRunSize } from './run-size.js';

/** Measures how long it takes to build the largest ring, and to add a node to it. */
export function measureConstruction(runSize: RingRunSize): ReportPart {
  const nodeCount = runSize.nodeCounts.at(-1) ?? 1;
  const contestants = [
    ...packages.map((peer) => building(peer, nodeCount)),
    ...packages.map((peer) => adding(peer, nodeCount)),
  ];
  const options = {
    rounds: runSize.buildRounds,
    turnMs: runSize.turnMs,
    warmUpMs: runSize.warmUpMs,
  };
  const results = compete(contestants, options);
  const built = (peer: Peer) => resultAt(results, packages.indexOf(peer));
  const added = (peer: Peer) => resultAt(results, packages.length + packages.indexOf(peer));
  const ratio = (a: ContestResult, b: ContestResult) => medianRatio(a.samples, b.samples);
  const table: Table = {
    title: `Building a ring of ${nodeCount} nodes, and adding a node to it`,
    note:
      'CPU time until the first lookup is answered. A package that changes its ring in place gets another node each ' +
      'time; ours makes a new ring.',
    columns: [
      { title: '' },
      { title: 'build', unit: 'ms' },
      { title: "of `hashring`'s", unit: 'ratio' },
      { title: 'add a node', unit: 'ms' },
      { title: 'of its building', unit: 'ratio' },
    ],
    rows: packages.map((peer) => [
      peer.name,
      built(peer).median / 1e6,
      ratio(built(peer), built(hashring)),
      added(peer).median / 1e6,
      ratio(added(peer), built(peer)),
    ]),
  };
  const goals = [
    atMost(
      `building ${nodeCount} nodes takes at most 1/5 of \`hashring\`'s time`,
      'ratio',
      ratio(built(ours), built(hashring)),
      0.2,
    ),
    atMost(
      `adding a node to ${nodeCount} takes at most 1/5 of building anew`,
      'ratio',
      ratio(added(ours), built(ours)),
      0.2,
    ),
  ];
  return { tables: [table], goals };
}

function resultAt(results: readonly ContestResult[], index: number): ContestResult {
  const result = results[index];
  if (result === undefined) throw new Error(`there is no result ${index}`);
  return result;
}

function building(peer: Peer, nodeCount: number): Contestant {
  const nodes = equalNodes(nodeCount);
  return {
    name: `${peer.name}, built`,
    run: (times) => {
      let answers = 0;
      for (let time = 0; time < times; time++) answers += answer(peer.build(nodes));
      return answers;
    },
  };
}

function adding(peer: Peer, nodeCount: number): Contestant {
  const ring = peer.build(equalNodes(nodeCount));
  let next = nodeCount;
  return {
    name: `${peer.name}, one added`,
    run: (times) => {
      let answers = 0;
      for (let time = 0; time < times; time++) answers += answer(ring.add({ id: idOf(next++), weight: 1 }));
      return answers;
    },
  };
}

/** Makes the first lookup, to which some packages leave work. */
function answer(ring: BuiltRing): number {
  return ring.lookup('first')?.length ?? 0;
}
