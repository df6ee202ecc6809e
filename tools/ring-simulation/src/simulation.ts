import { KeySequence } from './key-sequence.js';
import type { Numbered, Strategy } from './strategies.js';

/** The result of one strategy. */
export interface Outcome {
  readonly name: string;
  /** The number of keys. Each was looked up before and after a node was added. */
  readonly keyCount: number;
  /** Each node's keys, as a multiple of the mean. */
  readonly loads: readonly number[];
  /** The highest load. */
  readonly fullest: number;
  readonly standardDeviation: number;
  /** The keys that moved to the added node, as a multiple of its fair share. */
  readonly movedToNew: number;
  /** The keys that moved between the other nodes, in the same unit. */
  readonly movedBetweenOthers: number;
}

export interface SimulationSize {
  readonly nodeCount: number;
  readonly keyCount: number;
  /** The number of keys for strategies with slow lookups. */
  readonly sampleCount: number;
}

/** Returns the number of keys for a strategy. */
export function keysFor({ isSlow }: Strategy, { keyCount, sampleCount }: SimulationSize): number {
  return isSlow ? Math.min(keyCount, sampleCount) : keyCount;
}

/** Looks up every key before and after a node is added. Nothing is estimated. */
export function simulate(
  strategy: Strategy,
  size: SimulationSize,
  progress: (keysDone: number) => void,
): Outcome {
  const { nodeCount } = size;
  const keyCount = keysFor(strategy, size);
  const before = strategy.build(Array.from({ length: nodeCount }, (_, index) => numbered(index)));
  const after = before.with(numbered(nodeCount));
  const keys = new KeySequence();
  const counts = new Float64Array(nodeCount);
  let toNew = 0;
  let betweenOthers = 0;
  for (let done = 0; done < keyCount;) {
    const end = Math.min(done + CHUNK, keyCount);
    for (; done < end; done++) {
      const key = keys.next();
      const from = before.get(key).index;
      const to = after.get(key).index;
      counts[from] = (counts[from] ?? 0) + 1;
      if (to === nodeCount) toNew++;
      else if (to !== from) betweenOthers++;
    }
    progress(done);
  }
  const fairShare = keyCount / (nodeCount + 1);
  return {
    name: strategy.name,
    keyCount,
    ...evenness(counts, keyCount),
    movedToNew: toNew / fairShare,
    movedBetweenOthers: betweenOthers / fairShare,
  };
}

/** Keys between two calls of `progress`. */
const CHUNK = 2 ** 16;

function numbered(index: number): Numbered & { id: string } {
  return { id: `node-${index}`, index };
}

function evenness(counts: Float64Array, keyCount: number) {
  const loads = Array.from(counts, (count) => (count * counts.length) / keyCount);
  const variance = loads.reduce((sum, load) => sum + (load - 1) ** 2, 0) / loads.length;
  return { loads, fullest: Math.max(...loads), standardDeviation: Math.sqrt(variance) };
}
