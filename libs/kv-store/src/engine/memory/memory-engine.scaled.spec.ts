import { binaryKey, binaryValue, stringKey, stringValue, type KeyId, type Value } from '@kvs/protocol';
import { ManualTime } from '@kvs/protocol/testing';
import fc from 'fast-check';
import { ManualClock } from '../../testing/index.js';
import { takeCopied } from '../../../test/copied-pairs.js';
import { placed } from '../../testing/pairs.js';
import { seededRandom, type SeededRandom } from '../../testing/seeded-random.js';
import { variedAscii, variedBytes, variedText } from '../../../test/varied-values.js';
import { isExpired } from '../rules.js';
import type { EnginePair, EngineKey } from '../engine-data.js';
import { EVICTIONS, type Eviction } from './eviction/eviction-policy.js';
import { ExpirySweep } from './expiry-sweep.js';
import { MemoryPartition } from './memory-partition.js';
import { PairStore } from './pair-store.js';
import { scanPartition } from './partition-scan.js';
import { PAGE_BYTES, SLOT_SIZES } from './slab/size-classes.js';
import { FULL_CHUNK_BYTES, HEAD_BYTES } from './slab/chunk-layout.js';
import { CopiedPairs } from './snapshot/copied-pairs.js';
import { PartitionCopy } from './snapshot/partition-copy.js';

/** Each walk takes seconds. */
const RUNS = process.env['KVS_SLOW_TESTS'] === undefined ? 1 : 8;
const STEPS = 2000;
const MAX_BYTES = 2 * 1024 * 1024;
const PARTITIONS = [0, 7, 4095];
const KEYS = 400;

describe('the memory engine against a map, with small memory and many sizes', () => {
  it.each(EVICTIONS)('has the right pairs and counts their bytes, eviction %s', (eviction) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const walk = new RandomWalk(eviction, seededRandom(seed));
        for (let step = 0; step < STEPS; step++) walk.step();
        walk.end();
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

interface ModelPair extends EnginePair {
  readonly partition: number;
}

/** Changes a store at random, and knows what must be in it; what may have been evicted it may find gone. */
class RandomWalk {
  readonly #clock = new ManualClock();
  readonly #scheduler = new ManualTime();
  readonly #store: PairStore;
  readonly #sweep: ExpirySweep;
  readonly #keys: readonly EngineKey[];
  readonly #model = new Map<KeyId, ModelPair>();
  readonly #highestVersions = new Map<KeyId, number>();
  /** Which sizes are written for a while: when it turns, memory has to go from one size to another. */
  #sizes: () => number = () => 0;

  readonly #eviction: Eviction;
  readonly #random: SeededRandom;

  constructor(eviction: Eviction, random: SeededRandom) {
    this.#eviction = eviction;
    this.#random = random;
    this.#store = new PairStore(MAX_BYTES, eviction, [random.below(2 ** 32), random.below(2 ** 32)]);
    this.#sweep = new ExpirySweep(this.#store, this.#clock, this.#scheduler);
    this.#keys = Array.from({ length: KEYS }, (_, index) => this.#key(index));
  }

  step(): void {
    if (this.#random.below(200) === 0) this.#turnSizes();
    const chance = this.#random.below(100);
    if (chance < 60) this.#write();
    else if (chance < 75) this.#delete();
    else if (chance < 90) this.#read();
    else if (chance < 97) this.#passTime();
    else if (chance < 98) this.#scanWhileWriting();
    else if (chance < 99) this.#copyWhileWriting();
    else this.#checkAll();
    const { usedBytes } = this.#store.budget;
    if (usedBytes > MAX_BYTES) expect(usedBytes).toBeLessThanOrEqual(MAX_BYTES);
  }

  /** Everything goes, and so does what it took. */
  end(): void {
    this.#checkAll();
    for (const key of this.#keys) this.#store.delete({ ...key, ifVersion: undefined }, this.#now);
    expect(this.#pairCount()).toBe(0);
    const spare = 5 * (PAGE_BYTES + 1024);
    expect(this.#store.budget.usedBytes).toBeLessThan(
      PARTITIONS.length * (MemoryPartition.BYTES + 64) + spare,
    );
  }

  get #now(): number {
    return this.#clock.nowMicros();
  }

  #write(): void {
    const key = this.#random.pick(this.#keys);
    const value = this.#value();
    const expiresAtMs = this.#deadline();
    const actualVersion = this.#present(key)?.version ?? 0;
    const ifVersion = this.#random.below(4) === 0 ? actualVersion : undefined;
    const outcome = this.#store.write({ ...key, value, expiresAtMs, ifVersion }, this.#now);
    if (expiresAtMs !== undefined) this.#sweep.wake();
    if (outcome.status === 'out_of_memory') return expect(this.#eviction).toBe('none');
    if (outcome.status !== 'written') {
      expect(outcome).toEqual({ status: 'version_mismatch', actualVersion: 0 });
      expect(this.#eviction).not.toBe('none');
      this.#model.delete(key.id);
      return;
    }
    const { version, created } = outcome;
    if (this.#eviction === 'none') expect(created).toBe(actualVersion === 0);
    expect(version).toBeGreaterThan(this.#highestVersions.get(key.id) ?? 0);
    this.#highestVersions.set(key.id, version);
    this.#model.set(key.id, { ...key, value, version, expiresAtMs });
    // Whatever had to go for it, a pair that was just written is there.
    this.#check(key, 'present');
  }

  /** None, mostly; one that comes soon; one that has long come. */
  #deadline(): number | undefined {
    const chance = this.#random.below(10);
    if (chance < 6) return undefined;
    return chance < 9 ? this.#clock.nowMs() + this.#random.below(300) : this.#random.below(20) - 10;
  }

  #delete(): void {
    const key = this.#random.pick(this.#keys);
    const isPresent = this.#present(key) !== undefined;
    const { status } = this.#store.delete({ ...key, ifVersion: undefined }, this.#now);
    if (isPresent || status !== 'absent') this.#expectStatus(status, isPresent ? 'deleted' : 'absent');
    this.#model.delete(key.id);
  }

  #expectStatus(status: string, expected: string): void {
    if (this.#eviction === 'none' || expected === 'absent') expect(status).toBe(expected);
  }

  #read(): void {
    this.#check(this.#random.pick(this.#keys));
  }

  #passTime(): void {
    const ms = this.#random.below(60);
    this.#clock.advanceMs(ms);
    this.#scheduler.advanceMs(ms);
  }

  #check(key: EngineKey, presence: 'present' | 'any' = 'any'): void {
    const expected = this.#present(key);
    const isPresent = this.#store.has(key, this.#now);
    const outcome = this.#store.get(key, this.#now);
    if (isPresent !== (outcome !== undefined)) throw new RangeError('has and get do not agree');
    if (outcome === undefined) {
      if (expected !== undefined)
        expect([this.#eviction, presence]).not.toContain(presence === 'present' ? 'present' : 'none');
      this.#model.delete(key.id);
    } else {
      const { value, version, expiresAtMs } = expected ?? {};
      const isAsExpected =
        outcome.status === 'found' &&
        outcome.version === version &&
        outcome.expiresAtMs === expiresAtMs &&
        outcome.value.encoding === value?.encoding &&
        outcome.value.data === value.data;
      // Comparing is quick, and telling a difference is not.
      if (!isAsExpected) expect(outcome).toEqual({ status: 'found', value, version, expiresAtMs });
    }
  }

  #checkAll(): void {
    for (const key of this.#keys) this.#check(key);
    for (const number of PARTITIONS) {
      const scanned = this.#scan(number, () => undefined);
      const expected = [...this.#model.values()].filter(
        (pair) => pair.partition === number && this.#present(pair) !== undefined,
      );
      expect(scanned.map(({ id }) => id).sort()).toEqual(expected.map(({ id }) => id).sort());
    }
    expect(this.#pairCount()).toBeGreaterThanOrEqual(this.#model.size);
  }

  #scanWhileWriting(): void {
    const number = this.#random.pick(PARTITIONS);
    const before = [...this.#model.values()].filter((pair) => pair.partition === number);
    const scanned = this.#scan(number, () => this.#change());
    const met = scanned.map(({ id }) => id);
    expect(new Set(met).size).toBe(met.length);
    if (this.#eviction !== 'none') return;
    const stable = before.filter((pair) => this.#present(pair)?.version === pair.version);
    expect(met).toEqual(expect.arrayContaining(stable.map(({ id }) => id)));
  }

  #scan(number: number, between: () => void): EnginePair[] {
    const partition = this.#store.partition(number);
    if (partition === undefined) return [];
    const pairs: EnginePair[] = [];
    for (const chunk of scanPartition(this.#store, partition, '', this.#clock)) {
      pairs.push(...chunk);
      between();
    }
    return pairs;
  }

  #copyWhileWriting(): void {
    const partition = this.#store.partition(this.#random.pick(PARTITIONS));
    if (partition === undefined) return;
    this.#checkAll();
    const expected = [...this.#model.values()]
      .filter((pair) => pair.partition === partition.number && this.#present(pair) !== undefined)
      .map(({ id, value, version, expiresAtMs }) => ({ id, value, version, expiresAtMs }));
    const onTheWay = new CopiedPairs();
    const copy = new PartitionCopy(this.#store, partition, this.#clock, onTheWay);
    this.#store.observer = copy;
    const copied: EnginePair[] = [];
    for (let isWhole = false; !isWhole;) {
      isWhole = copy.step();
      for (const { id, value, version, expiresAtMs } of takeCopied(onTheWay, () => this.#change()))
        copied.push({ id, value, version, expiresAtMs });
      if (!isWhole) this.#change();
    }
    this.#store.observer = undefined;
    expect(byId(copied)).toEqual(byId(expected));
  }

  #change(): void {
    for (let i = 0; i < 20; i++) {
      const chance = this.#random.below(10);
      if (chance < 7) this.#write();
      else if (chance < 9) this.#delete();
      else this.#passTime();
    }
  }

  #present(key: EngineKey): ModelPair | undefined {
    const pair = this.#model.get(key.id);
    return pair === undefined || isExpired(pair.expiresAtMs, this.#now) ? undefined : pair;
  }

  #pairCount(): number {
    let count = 0;
    for (const { pairCount } of this.#store.partitions()) count += pairCount;
    return count;
  }

  #turnSizes(): void {
    const random = this.#random;
    const slotSize = random.pick(SLOT_SIZES);
    this.#sizes = random.pick([
      () => random.below(300),
      () => random.below(10_000),
      () => random.below(70 * 1024),
      () => random.below(random.pick([300, 10_000, 600 * 1024])),
      () => HEAD_BYTES + random.below(20) * FULL_CHUNK_BYTES - 60 + random.below(60),
      () => Math.max(0, slotSize - 60 + random.below(50)),
      () => Math.max(0, random.pick(SLOT_SIZES) - 70 + random.below(70)),
      () => 8192 - 60 + random.below(60),
    ]);
  }

  #value(): Value {
    const length = this.#sizes();
    const from = this.#random.below(100_000);
    const kind = this.#random.pick(['ascii', 'text', 'bytes']);
    if (kind === 'bytes') return binaryValue(variedBytes(length, from));
    return stringValue(kind === 'ascii' ? variedAscii(length, from) : variedText(length, from));
  }

  #key(index: number): EngineKey {
    const partition = this.#random.pick(PARTITIONS);
    const text = `${index}-${'k'.repeat(index % 50 === 0 ? this.#random.below(4000) : this.#random.below(20))}`;
    if (index % 7 === 0) return placed(binaryKey(Buffer.from(text)), partition);
    return placed(stringKey(index % 5 === 0 ? `${text}ü` : text), partition);
  }
}

function byId(pairs: readonly EnginePair[]): EnginePair[] {
  return [...pairs].sort((one, other) => (one.id < other.id ? -1 : 1));
}
