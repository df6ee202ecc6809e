import { KeySequence } from './key-sequence.js';
import type { Numbered, Strategy } from './strategies.js';

/** How one strategy fared. */
export interface Outcome {
  readonly name: string;
  /** How many keys were looked up, each before and after a node was added. */
  readonly keyCount: number;
  /** Each node's keys, as a multiple of the mean. */
  readonly loads: readonly number[];
  /** The highest load. */
  readonly fullest: number;
  readonly standardDeviation: number;
  /** What moved to the node that was added, as a multiple of its fair share. */
  readonly movedToNew: number;
  /** What moved between the others, in the same measure. */
  readonly movedBetweenOthers: number;
}

export interface SimulationSize {
  readonly nodeCount: number;
  readonly keyCount: number;
  /** How many of the keys are looked up where lookups are slow. */
  readonly sampleCount: number;
}

/** The keys that a strategy will be asked for. */
export function keysFor({ isSlow }: Strategy, { keyCount, sampleCount }: SimulationSize): number {
  return isSlow ? Math.min(keyCount, sampleCount) : keyCount;
}

/** Places every key among the nodes, and again after a node has come; nothing is estimated. */
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

/** Keys between two words about the progress. */
const CHUNK = 2 ** 16;

function numbered(index: number): Numbered & { id: string } {
  return { id: `node-${index}`, index };
}

function evenness(counts: Float64Array, keyCount: number) {
  const loads = Array.from(counts, (count) => (count * counts.length) / keyCount);
  const variance = loads.reduce((sum, load) => sum + (load - 1) ** 2, 0) / loads.length;
  return { loads, fullest: Math.max(...loads), standardDeviation: Math.sqrt(variance) };
}
