import { strict as assert } from 'node:assert';
import type { KeyId } from '@kvs/protocol';
import { isExpired } from '../engine/rules.js';
import type {
  EngineDelete,
  EngineDeleteOutcome,
  EnginePair,
  EngineReadOutcome,
  EngineWrite,
  EngineWriteOutcome,
  EngineKey,
} from '../engine/engine-data.js';
import type { ManualClock } from './manual-clock.js';

/**
 * A simple model of an engine: a map, and the highest version that each key ever had. It checks the engine's answers
 * and fails if they are impossible.
 */
export class EngineModel {
  readonly #pairs = new Map<KeyId, EnginePair & EngineKey>();
  readonly #highestVersions = new Map<KeyId, number>();
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** Returns the version of a key, 0 if it is absent. */
  versionOf(id: KeyId): number {
    return this.#find(id)?.version ?? 0;
  }

  checkRead({ id }: EngineKey, outcome: EngineReadOutcome | undefined): void {
    const pair = this.#find(id);
    if (pair === undefined) return assert.deepEqual(outcome, { status: 'absent' });
    assert.ok(outcome?.status === 'found', `${id} is present`);
    assert.deepEqual(essence({ ...outcome, id }), essence(pair));
  }

  checkWrite(item: EngineWrite, outcome: EngineWriteOutcome | undefined): void {
    const { id, partition, value, expiresAtMs, ifVersion } = item;
    const actualVersion = this.versionOf(id);
    if (ifVersion !== undefined && ifVersion !== actualVersion) {
      return assert.deepEqual(outcome, { status: 'version_mismatch', actualVersion });
    }
    assert.ok(outcome?.status === 'written', `${id} is written`);
    const { version, created } = outcome;
    assert.equal(created, actualVersion === 0, `${id} is created only if it was absent`);
    assert.ok(version > (this.#highestVersions.get(id) ?? 0), `the version of ${id} grows`);
    assert.ok(version >= this.#clock.nowMicros(), `the version of ${id} keeps up with the clock`);
    this.#highestVersions.set(id, version);
    this.#pairs.set(id, { id, partition, value, expiresAtMs, version });
  }

  checkDelete({ id, ifVersion }: EngineDelete, outcome: EngineDeleteOutcome | undefined): void {
    const actualVersion = this.versionOf(id);
    if (ifVersion !== undefined && ifVersion !== actualVersion) {
      return assert.deepEqual(outcome, { status: 'version_mismatch', actualVersion });
    }
    assert.deepEqual(outcome, { status: actualVersion === 0 ? 'absent' : 'deleted' });
    this.#pairs.delete(id);
  }

  checkScan(partitions: readonly number[], scanned: readonly EnginePair[]): void {
    const expected = [...this.#pairs.values()].filter(
      ({ id, partition }) => partitions.includes(partition) && this.#find(id) !== undefined,
    );
    assert.deepEqual(byId(scanned), byId(expected));
  }

  #find(id: KeyId): EnginePair | undefined {
    const pair = this.#pairs.get(id);
    return pair === undefined || isExpired(pair.expiresAtMs, this.#clock.nowMicros()) ? undefined : pair;
  }
}

function byId(pairs: readonly EnginePair[]) {
  return pairs.map(essence).sort((one, other) => (one.id < other.id ? -1 : 1));
}

function essence({ id, value, version, expiresAtMs }: EnginePair) {
  return { id, value: { encoding: value.encoding, data: value.data }, version, expiresAtMs };
}
