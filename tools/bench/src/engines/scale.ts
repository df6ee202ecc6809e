import type { PairShape } from './pairs.js';

export type EnginesScale = typeof fullScale;

const records: PairShape = { name: '100 bytes of text', keyBytes: 16, valueBytes: 100, encoding: 'string' };

export const fullScale = {
  /** The pairs that each engine holds while operations are measured. */
  pairCount: 100_000,
  batchSizes: [1, 100],
  /** Calls in flight to an engine that answers by promise. */
  callsInFlight: 32,
  rounds: 21,
  scanRounds: 9,
  turnMs: 20,
  warmUpMs: 300,
  /** The shapes of which bytes per pair are measured. The goal is for the first one. */
  shapes: [
    records,
    { ...records, name: '100 bytes, binary', encoding: 'binary' },
    { ...records, name: '8 bytes of text', valueBytes: 8 },
  ] satisfies PairShape[],
  heldPairCount: 1_000_000,
  /** The pairs of the engine that holds very many. */
  manyPairCount: 17_000_000,
  /** The contents of the snapshots during which requests are timed. */
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
