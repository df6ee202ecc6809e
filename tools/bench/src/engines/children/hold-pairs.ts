import { setTimeout } from 'node:timers/promises';
import { MemoryEngine, systemClock } from '@kvs/kv-store';
import { childInput, childOutput } from '../../harness/in-child.js';
import { batchAt, pairBatches, type PairSizes } from '../pairs.js';

/** Fills a memory engine, reads some pairs back, and tells the memory that they take. */

export interface HoldPairsInput extends PairSizes {
  readonly count: number;
}

export interface HoldPairsOutput {
  readonly pairCount: number;
  /** As the engine counts them. */
  readonly usedBytes: number;
  /** The growth of RSS. */
  readonly grownBytes: number;
  /** How many keys were read: half of them pairs of the engine, the others absent. */
  readonly readCount: number;
  /** The reads that found a wrong value, or none, or a pair of an absent key. */
  readonly wrongCount: number;
}

const MAX_READ_BACK = 100_000;
const LOOKS = 5;
const { count, ...sizes } = childInput<HoldPairsInput>();

// A small engine comes first, so that code is compiled and the young generation has grown.
const small = new MemoryEngine({ clock: systemClock, maxMemoryBytes: 4 * 1024 ** 2, eviction: 'lru' });
fill(small, Math.min(count, 1_000_000));
small.close();
const before = await residentBytes();
const engine = new MemoryEngine({ clock: systemClock, maxMemoryBytes: 4 * 1024 ** 3 });
fill(engine, count);
const grownBytes = (await residentBytes()) - before;
const { pairCount, usedBytes = NaN } = engine.stats();
childOutput({ pairCount, usedBytes, grownBytes, ...readBack() } satisfies HoldPairsOutput);

function fill(engineToFill: MemoryEngine, pairs: number): void {
  for (const { writes } of pairBatches(sizes, pairs, 100)) engineToFill.setMany(writes);
}

/** Reads pairs, spread over all, and as many absent keys. */
function readBack(): Pick<HoldPairsOutput, 'readCount' | 'wrongCount'> {
  let readCount = 0;
  let wrongCount = 0;
  for (let at = 0; at < count; at += Math.ceil(count / MAX_READ_BACK)) {
    const { keys, texts } = batchAt(sizes, at, 1);
    const [outcome] = engine.getMany(keys);
    if (outcome?.status !== 'found' || outcome.value.data !== texts[0]?.[1]) wrongCount++;
    const [absent] = engine.hasMany(batchAt(sizes, count + at, 1).keys);
    if (absent?.status !== 'absent') wrongCount++;
    readCount += 2;
  }
  return { readCount, wrongCount };
}

/** Returns the RSS of this process after collections. V8 returns pages in the background, so it waits until RSS stays the same. */
async function residentBytes(): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < LOOKS; look++) {
    globalThis.gc?.();
    await setTimeout(20);
    const now = process.memoryUsage.rss();
    if (now < 0.99 * least) look = 0;
    least = Math.min(least, now);
  }
  return least;
}
