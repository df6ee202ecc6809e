import type { PairShape } from './pairs.js';

export interface EnginesScale {
  /** Pairs that each engine holds while operations are measured. */
  readonly pairCount: number;
  readonly batchSizes: readonly number[];
  /** Calls under way at a time, where calls are answered by promise. */
  readonly callsInFlight: number;
  readonly rounds: number;
  readonly scanRounds: number;
  readonly turnMs: number;
  readonly warmUpMs: number;
  /** Pairs of each shape whose bytes are counted. The goal is about the first shape. */
  readonly shapes: readonly PairShape[];
  readonly heldPairCount: number;
  /** Pairs for the one engine that holds very many. */
  readonly manyPairCount: number;
  /** Whether a Map is filled until it refuses, which takes more than a gigabyte. */
  readonly showsMapLimit: boolean;
  /** What is in the snapshots during which requests are timed. */
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
  showsMapLimit: true,
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
  showsMapLimit: false,
  snapshotRounds: 3,
};
