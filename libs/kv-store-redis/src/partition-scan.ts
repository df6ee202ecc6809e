import {
  microsToMs,
  SCAN_CHUNK_PAIRS,
  SCAN_CHUNK_UNITS,
  type Clock,
  type EngineChunk,
  type EngineScanOptions,
} from '@kvs/kv-store';
import { firstScanned, nextScanned } from './data/answers.js';
import { encodeKeyId, type Bytes } from './data/pair-codec.js';
import { SCAN_NEXT, SCAN_OPEN, type Script } from './data/scripts.js';

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
    // Pairs that were read ahead of the first match would be out of date when the caller returns.
    const read = found === -1 ? ahead : ahead.slice(0, found + 1);
    next += read.length;
    // The scan reads more and more partitions at once while none has a match.
    aheadCount = found === -1 ? Math.min(2 * aheadCount, MAX_AHEAD) : 1;
    const partition = read.at(-1) ?? 0;
    yield { partition, pairs: opened[found]?.pairs ?? [] };
    let rest: readonly Buffer[] = opened[found]?.rest ?? [];
    while (rest.length > 0) {
      const [answer] = await run([partition], SCAN_NEXT, [...bounds(), ...rest.slice(0, SCAN_CHUNK_PAIRS)]);
      const { pairs, used } = nextScanned(answer);
      rest = rest.slice(used);
      yield { partition, pairs };
    }
  }
}

const MAX_AHEAD = 32;
