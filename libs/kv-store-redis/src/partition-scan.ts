import type { Clock, EngineChunk, EngineScanOptions } from '@kvs/kv-store';
import { microsToMs, SCAN_CHUNK_PAIRS, SCAN_CHUNK_UNITS } from '@kvs/kv-store';
import { firstScanned, nextScanned } from './data/answers.js';
import type { Bytes } from './data/pair-codec.js';
import { encodeKeyId } from './data/pair-codec.js';
import type { Script } from './data/scripts.js';
import { SCAN_NEXT, SCAN_OPEN } from './data/scripts.js';

/** Answers of a script that was run on each of these partitions. Rejects unless all answered. */
export type RunOnPartitions = (
  partitions: readonly number[],
  script: Script,
  args: readonly Bytes[],
) => Promise<readonly unknown[]>;

/**
 * The pairs of these partitions. Redis's own HSCAN may repeat what moves in the hash while it grows or shrinks, so
 * it is not used: the first answer for a partition brings its first pairs and, from the same moment, the keys of
 * all others; the pairs of those are then asked for. So no key comes twice, and what is held is one partition's keys.
 */
export async function* scanPartitions(
  partitions: readonly number[],
  { idPrefix = '' }: EngineScanOptions,
  clock: Clock,
  run: RunOnPartitions,
): AsyncGenerator<EngineChunk, void, undefined> {
  const bounds = () => [microsToMs(clock.nowMicros()), SCAN_CHUNK_PAIRS, SCAN_CHUNK_UNITS].map(String);
  let aheadCount = 1;
  for (let next = 0; next < partitions.length;) {
    const ahead = partitions.slice(next, next + aheadCount);
    const answers = await run(ahead, SCAN_OPEN, [...bounds(), encodeKeyId(idPrefix)]);
    const opened = answers.map(firstScanned);
    const found = opened.findIndex(({ pairs, rest }) => pairs.length > 0 || rest.length > 0);
    const partition = ahead[found];
    const first = opened[found];
    if (partition === undefined || first === undefined) {
      // Partitions without a match are passed in longer and longer strides.
      next += ahead.length;
      aheadCount = Math.min(2 * aheadCount, MAX_AHEAD);
      continue;
    }
    next += found + 1;
    // What was read further ahead would be out of date when the caller comes back.
    aheadCount = 1;
    if (first.pairs.length > 0) yield { partition, pairs: first.pairs };
    let rest: readonly Buffer[] = first.rest;
    while (rest.length > 0) {
      const [answer] = await run([partition], SCAN_NEXT, [...bounds(), ...rest.slice(0, SCAN_CHUNK_PAIRS)]);
      const { pairs, used } = nextScanned(answer);
      rest = rest.slice(used);
      if (pairs.length > 0) yield { partition, pairs };
    }
  }
}

const MAX_AHEAD = 32;
