import { stringValue, type KeyId } from '@kvs/protocol';
import type { EngineDelete, EngineWrite, EngineKey } from '../../engine/engine-data.js';
import type { StorageEngine } from '../../engine/storage-engine.js';
import { EngineModel } from '../engine-model.js';
import type { ManualClock } from '../manual-clock.js';
import { numbered, placed, scanPairs } from '../pairs.js';
import { seededRandom, type SeededRandom } from '../seeded-random.js';
import type { Trait } from '../trait.js';

const SEEDS = [1, 2, 3, 4, 5];
const STEPS = 300;
const PARTITIONS = [0, 7, 4095];
const KEYS: readonly EngineKey[] = PARTITIONS.flatMap((partition) =>
  numbered(4, `in-${partition}`).map((key) => placed(key, partition)),
);

/** Few keys and short times, so that writes, deletes and expiries of a key follow each other closely. */
export const model: Trait = {
  title: 'random operations against a model',
  tests: Object.fromEntries(
    SEEDS.map((seed) => [
      `seed ${seed}`,
      async ({ engine, clock }) => {
        const walk = new RandomWalk(engine, clock, seededRandom(seed));
        for (let step = 0; step < STEPS; step++) await walk.step();
        await walk.scan();
      },
    ]),
  ),
};

class RandomWalk {
  readonly #model: EngineModel;
  /** The clock may go back, but not to before this time, because an engine may have reclaimed what expired since. */
  #latestDeadlineMs = 0;

  readonly #engine: StorageEngine;
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;

  constructor(engine: StorageEngine, clock: ManualClock, random: SeededRandom) {
    this.#engine = engine;
    this.#clock = clock;
    this.#random = random;
    this.#model = new EngineModel(clock);
  }

  step(): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 35) return this.write();
    if (chance < 55) return this.delete();
    if (chance < 75) return this.read();
    if (chance < 80) return this.scan();
    return this.moveClock();
  }

  async write(): Promise<void> {
    const writes = this.#batch((key): EngineWrite => {
      const expiresAtMs =
        this.#random.below(3) === 0 ? this.#clock.nowMs() + this.#random.below(20) : undefined;
      this.#latestDeadlineMs = Math.max(this.#latestDeadlineMs, expiresAtMs ?? 0);
      return {
        ...key,
        value: stringValue(`${this.#random.below(1000)}`),
        expiresAtMs,
        ifVersion: this.#condition(key.id),
      };
    });
    const outcomes = await this.#engine.setMany(writes);
    writes.forEach((item, index) => this.#model.checkWrite(item, outcomes[index]));
  }

  async delete(): Promise<void> {
    const deletes = this.#batch((key): EngineDelete => ({ ...key, ifVersion: this.#condition(key.id) }));
    const outcomes = await this.#engine.deleteMany(deletes);
    deletes.forEach((item, index) => this.#model.checkDelete(item, outcomes[index]));
  }

  async read(): Promise<void> {
    const keys = this.#batch((key) => key);
    const outcomes = await this.#engine.getMany(keys);
    keys.forEach((key, index) => this.#model.checkRead(key, outcomes[index]));
  }

  async scan(): Promise<void> {
    this.#model.checkScan(PARTITIONS, await scanPairs(this.#engine, PARTITIONS));
  }

  async moveClock(): Promise<void> {
    if (this.#random.below(4) > 0) return this.#clock.advanceMicros(this.#random.below(5000));
    const back = this.#clock.nowMicros() - this.#random.below(5000);
    if (back > this.#latestDeadlineMs * 1000) this.#clock.setMicros(back);
  }

  #batch<T>(item: (key: EngineKey) => T): T[] {
    return Array.from({ length: this.#random.below(5) }, () => item(this.#random.pick(KEYS)));
  }

  /** Returns no condition in most cases; else the right version, or one that is probably wrong. */
  #condition(id: KeyId): number | undefined {
    return this.#random.pick([
      () => undefined,
      () => undefined,
      () => this.#model.versionOf(id),
      () => 0,
      () => 1,
    ])();
  }
}
