import { randomKeys } from '../harness/random.js';
import { atMost, type Cell, type Findings, type Table } from '../harness/report.js';
import { balanceOf, movementOf, type Balance, type Movement } from './distribution.js';
import { equalNodes, idOf, weightedNodes } from './nodes.js';
import { ours, variants, type Peer, type WeightedNode } from './peers.js';
import type { RingScale } from './scale.js';

/** Measures how even the shares of keys are in rings of equal nodes, and in one with weights. */
export function measureBalance(scale: RingScale): Findings {
  const keys = countedKeys(scale);
  // With a thousand nodes, a node has four or five partitions, so the goal does not hold for the last count.
  const nodeCounts = scale.nodeCounts.slice(0, -1);
  const cases = [
    ...nodeCounts.map((count) => ({ title: `${count} nodes`, nodes: equalNodes(count), weighted: false })),
    { title: 'weights 1 to 4', nodes: weightedNodes(10), weighted: true },
  ];
  const balances = (peer: Peer) =>
    cases.map(({ nodes, weighted }) =>
      weighted && !peer.hasWeights ? undefined : balanceOf(peer.build(nodes), nodes, keys),
    );
  const table: Table = {
    title: 'Balance',
    note:
      `Over ${keys.length.toLocaleString('en')} random keys: the load of the fullest and of the emptiest node, as a ` +
      'multiple of its fair share by weight.',
    columns: [{ title: '' }, ...cases.map(({ title }) => ({ title }))],
    rows: distinctBalance.map((peer) => [peer.name, ...balances(peer).map(showBalance)]),
  };
  const goals = balances(ours).map((balance, at) => {
    const title = cases[at]?.title ?? '';
    if (cases[at]?.weighted) {
      const error = Math.max((balance?.most ?? NaN) - 1, 1 - (balance?.least ?? NaN));
      return atMost(`${title}: every share within 5% of its fair one`, 'share', error, 0.05);
    }
    return atMost(
      `${title}: the fullest has at most 1.05 times the mean`,
      'ratio',
      balance?.most ?? NaN,
      1.05,
    );
  });
  return { tables: [table], goals };
}

/** Measures what a new node moves in rings of equal nodes, and in one with weights. */
export function measureMovement(scale: RingScale): Findings {
  const keys = countedKeys(scale);
  const equal = scale.nodeCounts.map((count) => {
    return { title: `${count} nodes`, nodes: equalNodes(count), added: added(count, 1), weighted: false };
  });
  const cases = [
    ...equal,
    { title: 'weights 1 to 4, and 3', nodes: weightedNodes(10), added: added(10, 3), weighted: true },
  ];
  const movements = (peer: Peer) =>
    cases.map(({ nodes, added: node, weighted }) =>
      weighted && !peer.hasWeights ? undefined : movementOf(peer.build(nodes), nodes, node, keys),
    );
  const table: Table = {
    title: 'Movement',
    note:
      `When a node is added: the keys that move, as a multiple of the new node's fair share, which is the least ` +
      'possible (below 1 it receives less than its share); and the part of all keys that moves between nodes that were ' +
      'there before.',
    columns: [{ title: '' }, ...cases.map(({ title }) => ({ title }))],
    rows: distinctBalance.map((peer) => [peer.name, ...movements(peer).map(showMovement)]),
  };
  const goals = movements(ours).flatMap((movement, at) => [
    atMost(
      `${cases[at]?.title}: a new node moves at most 1.1 times the least possible`,
      'ratio',
      movement?.overLeast ?? NaN,
      1.1,
    ),
    atMost(
      `${cases[at]?.title}: nothing moves between the others`,
      'share',
      movement?.betweenOthers ?? NaN,
      0,
    ),
  ]);
  return { tables: [table], goals };
}

/** Returns the same random keys for each call. */
export function countedKeys({ countedKeyCount }: RingScale): string[] {
  return randomKeys(countedKeyCount, 16, 1);
}

/** A cache does not change the owners. */
const distinctBalance = variants.filter((peer) => !peer.name.includes('cache'));

function added(index: number, weight: number): WeightedNode {
  return { id: idOf(index), weight };
}

function showBalance(balance: Balance | undefined): Cell {
  if (balance === undefined) return null;
  const lost = balance.lost === 0 ? '' : `, ${(balance.lost * 100).toFixed(2)}% of the keys nowhere`;
  return `${balance.most.toFixed(3)} / ${balance.least.toFixed(3)}${lost}`;
}

function showMovement(movement: Movement | undefined): Cell {
  if (movement === undefined) return null;
  return `${movement.overLeast.toFixed(2)} / ${(movement.betweenOthers * 100).toFixed(1)}%`;
}
