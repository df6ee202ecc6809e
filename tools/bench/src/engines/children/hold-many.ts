import { MemoryEngine, systemClock } from '@kvs/kv-store';
import { childInput, childOutput } from '../../harness/in-child.js';
import { batchOf, numberedText, type Batch } from '../pairs.js';
import { seededRandom } from '../../harness/random.js';
import { residentBytes } from './resident-bytes.js';

export interface HoldManyInput {
  readonly count: number;
  readonly maxMemoryBytes: number;
  /** The number of pairs to read back. */
  readonly readCount: number;
}

export interface HoldManyOutput {
  readonly pairCount: number;
  readonly ownBytes: number;
  readonly grownBytes: number;
  /** Pairs that were read back with the right value. */
  readonly rightCount: number;
  /** How many of `readCount` keys that were never set the engine finds. */
  readonly strangerCount: number;
}

const TEXT_BYTES = 8;
const BATCH = 100;
const { count, maxMemoryBytes, readCount } = childInput<HoldManyInput>();

// A small engine comes first, so that code is compiled and the young generation has grown.
const small = new MemoryEngine({ clock: systemClock, maxMemoryBytes: 4 * 1024 * 1024, eviction: 'lru' });
fill(small, Math.min(count, 1_000_000));
small.close();
const before = await residentBytes();
const engine = new MemoryEngine({ clock: systemClock, maxMemoryBytes });
fill(engine, count);
const grownBytes = (await residentBytes()) - before;
const { pairCount, usedBytes = NaN } = engine.stats();

let rightCount = 0;
let strangerCount = 0;
const random = seededRandom(1);
for (let read = 0; read < readCount; read++) {
  const { keys, plainValues } = numbered(random() % count, 1);
  const [outcome] = engine.getMany(keys);
  if (outcome?.status === 'found' && outcome.value.data === plainValues[0]) rightCount++;
  const [stranger] = engine.hasMany(numbered(count + read, 1).keys);
  if (stranger?.status === 'present') strangerCount++;
}
childOutput({
  pairCount,
  ownBytes: usedBytes,
  grownBytes,
  rightCount,
  strangerCount,
} satisfies HoldManyOutput);

function fill(engineToFill: MemoryEngine, size: number): void {
  for (let from = 0; from < size; from += BATCH)
    engineToFill.setMany(numbered(from, Math.min(BATCH, size - from)).writes);
}

/** Returns pairs with their index as the key, and another value for each. */
function numbered(from: number, size: number): Batch {
  const numbers = Array.from({ length: size }, (_, at) => from + at);
  const keys = numbers.map((number) => numberedText(number, TEXT_BYTES));
  const values = numbers.map((number) => numberedText(99_999_999 - number, TEXT_BYTES));
  return batchOf({ encoding: 'string' }, keys, values);
}
