export type RingRunSize = typeof fullRun;

export const fullRun = {
  /** Nodes of the rings, ascending. */
  nodeCounts: [10, 100, 1000],
  /** More keys than `hashring` caches, and few enough that memory access does not dominate. */
  lookupKeyCount: 2 ** 14,
  lookupRounds: 51,
  buildRounds: 9,
  turnMs: 10,
  warmUpMs: 300,
  /** Keys that are counted for balance and movement. */
  countedKeyCount: 1_000_000,
  /** Nodes of the rings that are compared with rings built anew, each with several sets of names. */
  evolvedNodeCounts: [3, 5, 10, 20, 64, 100, 1000],
  nodeNameSets: 5,
  placedNodeCount: 1000,
  /** Keys that are placed on so many nodes. */
  placedKeyCount: 100_000_000,
  /** Keys for strategies whose lookups among a thousand nodes take microseconds. */
  sampledKeyCount: 2_000_000,
};

export const quickRun: RingRunSize = {
  ...fullRun,
  lookupRounds: 11,
  buildRounds: 3,
  turnMs: 5,
  warmUpMs: 50,
  countedKeyCount: 100_000,
  nodeNameSets: 1,
  placedKeyCount: 1_000_000,
  sampledKeyCount: 100_000,
};
