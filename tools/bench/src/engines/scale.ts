import type { PairShape } from './pairs.js';

export interface EnginesScale {
  /** The pairs that each engine holds while operations are measured. */
  readonly pairCount: number;
  readonly batchSizes: readonly number[];
  /** Calls in flight to an engine that answers by promise. */
  readonly callsInFlight: number;
  readonly rounds: number;
  readonly scanRounds: number;
  readonly turnMs: number;
  readonly warmUpMs: number;
  /** The shapes of which bytes per pair are measured. The goal is for the first one. */
  readonly shapes: readonly PairShape[];
  readonly heldPairCount: number;
  /** The pairs of the engine that holds very many. */
  readonly manyPairCount: number;
  /** The contents of the snapshots during which requests are timed. */
  readonly snapshots: readonly { readonly shape: PairShape; readonly pairCount: number }[];
  readonly snapshotRounds: number;
}

const records: PairShape = { name: '100 bytes of text', keyBytes: 16, valueBytes: 100, encoding: 'string' };

export const fullScale: EnginesScale = {
  pairCount: 100_000,
  batchSizes: [1, 100],
  callsInFlight: 32,
  rounds: 21,
  scanRounds: 9,
  turnMs: 20,
  warmUpMs: 300,
  shapes: [
    records,
    { name: '100 bytes, binary', keyBytes: 16, valueBytes: 100, encoding: 'binary' },
    { name: '8 bytes of text', keyBytes: 16, valueBytes: 8, encoding: 'string' },
  ],
  heldPairCount: 1_000_000,
  manyPairCount: 17_000_000,
  snapshots: [
    { shape: records, pairCount: 1_000_000 },
    { shape: { ...records, name: '1 MiB of text', valueBytes: 1024 * 1024 }, pairCount: 500 },
  ],
  snapshotRounds: 7,
};

export const quickScale: EnginesScale = {
  ...fullScale,
  pairCount: 20_000,
  rounds: 7,
  scanRounds: 3,
  turnMs: 10,
  warmUpMs: 50,
  shapes: [records],
  manyPairCount: 1_700_000,
  snapshotRounds: 3,
};
