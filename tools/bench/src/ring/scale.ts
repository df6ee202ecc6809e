/** How much is measured. */
export interface RingScale {
  /** Nodes of the rings, ascending. */
  readonly nodeCounts: readonly number[];
  /** More keys than `hashring` caches, and few enough that memory access does not dominate. */
  readonly lookupKeyCount: number;
  readonly lookupRounds: number;
  readonly buildRounds: number;
  readonly turnMs: number;
  readonly warmUpMs: number;
  /** Keys that are counted for balance and movement. */
  readonly countedKeyCount: number;
  /** Nodes of the rings that are compared with rings built anew, each with several sets of names. */
  readonly evolvedNodeCounts: readonly number[];
  readonly nodeNameSets: number;
}

export const fullScale: RingScale = {
  nodeCounts: [10, 100, 1000],
  lookupKeyCount: 2 ** 14,
  lookupRounds: 51,
  buildRounds: 9,
  turnMs: 10,
  warmUpMs: 300,
  countedKeyCount: 1_000_000,
  evolvedNodeCounts: [3, 5, 10, 20, 64, 100, 1000],
  nodeNameSets: 5,
};

export const quickScale: RingScale = {
  ...fullScale,
  lookupRounds: 11,
  buildRounds: 3,
  turnMs: 5,
  warmUpMs: 50,
  countedKeyCount: 100_000,
  nodeNameSets: 1,
};
