import type { Clock, EngineChunk, EngineScanOptions } from '@kvs/kv-store';
import { microsToMs, SCAN_CHUNK_PAIRS, SCAN_CHUNK_UNITS } from '@kvs/kv-store';
import { firstScanned, nextScanned } from './data/answers.js';
import type { Bytes } from './data/pair-codec.js';
import { encodeKeyId } from './data/pair-codec.js';
import type { Script } from './data/scripts.js';
import { SCAN_NEXT, SCAN_OPEN } from './data/scripts.js';

/** Runs a script on each of these partitions; returns the answers. Rejects unless all answer. */
type RunOnPartitions = (
  partitions: readonly number[],
  script: Script,
  args: readonly Bytes[],
) => Promise<readonly unknown[]>;

/**
 * Yields the pairs of these partitions. Redis's own HSCAN may repeat pairs while the hash grows or shrinks, so it is
 * not used. The first answer for a partition has its first pairs and, from the same moment, the keys of all others.
 * The scan then reads the pairs of those keys. So no key comes twice, and the scan holds only one partition's keys.
 */
export async function* scanPartitions(
  partitions: readonly number[],
  { idPrefix = '', values = true }: EngineScanOptions,
  clock: Clock,
  run: RunOnPartitions,
): AsyncGenerator<EngineChunk, void, undefined> {
  const bounds = () =>
    [microsToMs(clock.nowMicros()), SCAN_CHUNK_PAIRS, SCAN_CHUNK_UNITS, Number(values)].map(String);
  let aheadCount = 1;
  for (let next = 0; next < partitions.length;) {
    const ahead = partitions.slice(next, next + aheadCount);
    const answers = await run(ahead, SCAN_OPEN, [...bounds(), encodeKeyId(idPrefix)]);
    const opened = answers.map(firstScanned);
    const found = opened.findIndex(({ pairs, rest }) => pairs.length > 0 || rest.length > 0);
    const partition = ahead[found];
    const first = opened[found];
    if (partition === undefined || first === undefined) {
      // The scan reads more and more partitions at once while none has a match.
      next += ahead.length;
      aheadCount = Math.min(2 * aheadCount, MAX_AHEAD);
      continue;
    }
    next += found + 1;
    // Pairs that were read ahead would be out of date when the caller returns.
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
