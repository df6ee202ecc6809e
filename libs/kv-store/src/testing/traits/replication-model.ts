import { strict as assert } from 'node:assert';
import { stringValue, type KeyId } from '@kvs/protocol';
import {
  START_POSITION,
  type EngineEffect,
  type EngineReplication,
  type Position,
} from '../../engine/engine-replication.js';
import { MemoryEngine } from '../../engine/memory/memory-engine.js';
import type { EngineDelete, EngineKey, EnginePair, EngineWrite } from '../../engine/engine-data.js';
import { capabilitiesOf, type StorageEngine } from '../../engine/storage-engine.js';
import { EngineModel } from '../engine-model.js';
import type { ManualClock } from '../manual-clock.js';
import { numbered, PARTITION, placed, scanPairs } from '../pairs.js';
import { seededRandom, type SeededRandom } from '../seeded-random.js';
import type { Trait } from '../trait.js';
import { roleOf } from './replication.js';

const SEEDS = [1, 2, 3, 4, 5];
const STEPS = 200;
const KEYS: readonly EngineKey[] = numbered(8).map((key) => placed(key));

/** Two engines follow each other, and change roles now and then. One of them is the engine under test. */
export const replicationModel: Trait = {
  title: 'random replication against a model',
  tests: Object.fromEntries(
    SEEDS.map((seed) => [
      `seed ${seed}`,
      async ({ engine, clock }) => {
        const other = new MemoryEngine({ clock });
        try {
          const walk = new RandomWalk(engine, other, clock, seededRandom(seed));
          await walk.start();
          for (let step = 0; step < STEPS; step++) await walk.step();
          await walk.check();
        } finally {
          await other.close();
        }
      },
    ]),
  ),
};

class RandomWalk {
  readonly #model: EngineModel;
  #position: Position = START_POSITION;
  #epoch = 1;
  /** Effects of the primary that the copy has not applied. */
  #tail: EngineEffect[] = [];

  #primary: StorageEngine;
  #copy: StorageEngine;
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;

  constructor(primary: StorageEngine, copy: StorageEngine, clock: ManualClock, random: SeededRandom) {
    this.#primary = primary;
    this.#copy = copy;
    this.#clock = clock;
    this.#random = random;
    this.#model = new EngineModel(clock);
  }

  async start(): Promise<void> {
    await roleOf(this.#primary).start();
    await roleOf(this.#copy).start();
  }

  step(): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 40) return this.#write();
    if (chance < 60) return this.#delete();
    if (chance < 80) return this.#apply(this.#random.below(this.#tail.length + 1));
    if (chance < 85) return this.check();
    if (chance < 90) return this.#fill();
    if (chance < 95) return this.#promote();
    this.#clock.advanceMicros(this.#random.below(5000));
    return Promise.resolve();
  }

  /** Both engines have the pairs of the model. */
  async check(): Promise<void> {
    await this.#apply(this.#tail.length);
    for (const engine of [this.#primary, this.#copy])
      this.#model.checkScan([PARTITION], await scanPairs(engine));
    assert.ok(this.#roles.copy.versionFloor(PARTITION) >= this.#roles.primary.versionFloor(PARTITION));
  }

  async #write(): Promise<void> {
    const writes = this.#batch((key): EngineWrite => ({
      ...key,
      value: stringValue(`${this.#random.below(1000)}`),
      expiresAtMs: this.#random.below(3) === 0 ? this.#clock.nowMs() + this.#random.below(20) : undefined,
      ifVersion: this.#condition(key.id),
    }));
    const outcomes = await this.#roles.primary.write(PARTITION, writes, this.#epoch);
    for (const [index, item] of writes.entries()) {
      const outcome = outcomes[index];
      this.#model.checkWrite(item, outcome);
      if (outcome?.status !== 'written') continue;
      const { value, expiresAtMs } = item;
      this.#record(item.id, { value, expiresAtMs, version: outcome.version });
    }
    this.#checkPosition(this.#roles.primary, this.#position);
  }

  async #delete(): Promise<void> {
    const deletes = this.#batch((key): EngineDelete => ({ ...key, ifVersion: this.#condition(key.id) }));
    const outcomes = await this.#roles.primary.delete(PARTITION, deletes, this.#epoch);
    const { evicts } = capabilitiesOf(this.#primary);
    for (const [index, item] of deletes.entries()) {
      const outcome = outcomes[index];
      this.#model.checkDelete(item, outcome);
      if (outcome?.status === 'deleted' || (evicts && outcome?.status === 'absent'))
        this.#record(item.id, undefined);
    }
    this.#checkPosition(this.#roles.primary, this.#position);
  }

  async #apply(count: number): Promise<void> {
    const effects = this.#tail.splice(0, count);
    const { primary, copy } = this.#roles;
    assert.deepEqual(await copy.apply(PARTITION, effects, primary.versionFloor(PARTITION)), APPLIED);
    const last = effects.at(-1);
    if (last !== undefined) this.#checkPosition(copy, last.position);
  }

  /** Fills the copy anew. Effects of the time before the fill are not applied. */
  async #fill(): Promise<void> {
    const { primary, copy } = this.#roles;
    this.#tail = [];
    assert.deepEqual(await copy.clear(PARTITION, this.#position, 'complete'), APPLIED);
    const pairs: EnginePair[] = await scanPairs(this.#primary);
    while (pairs.length > 0) {
      const some = pairs.splice(0, 1 + this.#random.below(5));
      assert.deepEqual(await copy.fill(PARTITION, some), APPLIED);
    }
    assert.deepEqual(await copy.apply(PARTITION, [], primary.versionFloor(PARTITION)), APPLIED);
    await this.check();
    this.#checkPosition(copy, this.#position);
  }

  async #promote(): Promise<void> {
    await this.check();
    [this.#primary, this.#copy] = [this.#copy, this.#primary];
    this.#epoch += 1 + this.#random.below(3);
    this.#checkPosition(this.#roles.primary, this.#position);
  }

  get #roles(): { readonly primary: EngineReplication; readonly copy: EngineReplication } {
    return { primary: roleOf(this.#primary), copy: roleOf(this.#copy) };
  }

  #record(id: KeyId, entry: EngineEffect['entry']): void {
    this.#position = { epoch: this.#epoch, number: this.#position.number + 1 };
    this.#tail.push({ position: this.#position, id, entry });
  }

  #checkPosition(role: EngineReplication, expected: Position): void {
    assert.deepEqual(role.position(PARTITION), expected);
  }

  #batch<T>(item: (key: EngineKey) => T): T[] {
    return Array.from({ length: this.#random.below(5) }, () => item(this.#random.pick(KEYS)));
  }

  #condition(id: KeyId): number | undefined {
    return this.#random.pick([() => undefined, () => undefined, () => this.#model.versionOf(id), () => 0])();
  }
}

const APPLIED = { status: 'applied' };
