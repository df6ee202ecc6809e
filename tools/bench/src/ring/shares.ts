import { randomKeys } from '../harness/random.js';
import { atMost, type Cell, type Goal, type ReportPart } from '../harness/report.js';
import { distribute, type Distribution, type Keys } from './distribution.js';
import { equalNodes, weightedNodes } from './nodes.js';
import { ours, variants, type Peer, type WeightedNode } from './peers.js';
import type { RingRunSize } from './run-size.js';

/** Rings of the same nodes, to each of which a node is added. */
interface Rings {
  readonly title: string;
  readonly isWeighted: boolean;
  /** Without the packages that have no weights, if the nodes have some. */
  readonly distributions: ReadonlyMap<Peer, Distribution>;
}

/** A cache does not change the owners. */
const peers = variants.filter(({ name }) => !name.includes('cache'));

/** Measures how even the shares of keys are, and what a new node moves, in rings of equal nodes and in one with weights. */
export function measureShares(runSize: RingRunSize): ReportPart {
  const keys = countedKeys(runSize);
  const equal = runSize.nodeCounts.map((count) => ringsOf(`${count} nodes`, equalNodes(count), keys));
  const weighted = ringsOf('weights 1 to 4', weightedNodes(10), keys, 3);
  // With a thousand nodes, a node has four or five partitions, so the goal does not hold for the last count.
  const even = [...equal.slice(0, -1), weighted];
  const all = [...equal, { ...weighted, title: 'weights 1 to 4, and 3' }];
  return {
    tables: [
      {
        title: 'Balance',
        note:
          `Over ${keys.count.toLocaleString('en')} random keys: the load of the fullest and of the emptiest node, as a ` +
          'multiple of its fair share by weight.',
        columns: [{ title: '' }, ...even.map(({ title }) => ({ title }))],
        rows: rowsOf(
          even,
          ({ loads }) => `${Math.max(...loads).toFixed(3)} / ${Math.min(...loads).toFixed(3)}`,
        ),
      },
      {
        title: 'Movement',
        note:
          `When a node is added: the keys that move, as a multiple of the new node's fair share, which is the least ` +
          'possible (below 1 it receives less than its share); and the part of all keys that moves between nodes that were ' +
          'there before.',
        columns: [{ title: '' }, ...all.map(({ title }) => ({ title }))],
        rows: rowsOf(
          all,
          (each) =>
            `${moved(each).toFixed(2)} / ${(each.movedBetweenOthers * each.newShare * 100).toFixed(1)}%`,
        ),
      },
    ],
    goals: [...even.map(balanceGoal), ...all.flatMap(movementGoals)],
  };
}

/** Returns the same random keys for each call. */
export function countedKeys({ countedKeyCount: count }: RingRunSize): Keys {
  const keys = randomKeys(count, 16, 1);
  return { count, at: (index) => keys[index] ?? '' };
}

function ringsOf(title: string, nodes: readonly WeightedNode[], keys: Keys, addedWeight = 1): Rings {
  const isWeighted = nodes.some(({ weight }) => weight > 1);
  const able = peers.filter(({ hasWeights }) => hasWeights || !isWeighted);
  const distributions = able.map((peer) => [peer, distribute(peer, nodes, keys, addedWeight)] as const);
  return { title, isWeighted, distributions: new Map(distributions) };
}

function rowsOf(rings: readonly Rings[], show: (distribution: Distribution) => string): Cell[][] {
  return peers.map((peer) => [
    peer.name,
    ...rings.map(({ distributions }) => {
      const distribution = distributions.get(peer);
      return distribution === undefined ? null : show(distribution);
    }),
  ]);
}

function balanceGoal({ title, isWeighted, distributions }: Rings): Goal {
  const { loads } = own(distributions);
  if (!isWeighted)
    return atMost(`${title}: the fullest has at most 1.05 times the mean`, 'ratio', Math.max(...loads), 1.05);
  const error = Math.max(...loads.map((load) => Math.abs(load - 1)));
  return atMost(`${title}: every share within 5% of its fair one`, 'share', error, 0.05);
}

function movementGoals({ title, distributions }: Rings): Goal[] {
  const distribution = own(distributions);
  return [
    atMost(
      `${title}: a new node moves at most 1.1 times the least possible`,
      'ratio',
      moved(distribution),
      1.1,
    ),
    atMost(`${title}: nothing moves between the others`, 'share', distribution.movedBetweenOthers, 0),
  ];
}

function own(distributions: Rings['distributions']): Distribution {
  const distribution = distributions.get(ours);
  if (distribution === undefined) throw new TypeError('our own ring was not measured');
  return distribution;
}

function moved({ movedToNew, movedBetweenOthers }: Distribution): number {
  return movedToNew + movedBetweenOthers;
}
