/** How much is measured. */
export interface RingScale {
  /** Of rings, ascending. */
  readonly nodeCounts: readonly number[];
  /** Looked up in turn. More than `hashring` caches, which so misses; few enough that memory is not what is measured. */
  readonly lookupKeyCount: number;
  readonly lookupRounds: number;
  readonly buildRounds: number;
  readonly turnMs: number;
  readonly warmUpMs: number;
  /** Counted for balance and movement. */
  readonly countedKeyCount: number;
  /** Of rings that are compared with the same built anew, under so many sets of names. */
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
