import {
  conditionHolds,
  isExpired,
  nextVersion,
  type Completeness,
  type EngineDelete,
  type EngineDeleteOutcome,
  type EngineEntry,
  type EnginePair,
  type EngineWrite,
  type EngineWriteOutcome,
} from '@kvs/kv-store';
import type { KeyId } from '@kvs/protocol';
import type { Effect } from '../messages.js';
import type { ApplyResult, FillScan, ReplicaEngine, WriteBatch, WriteOutcomes } from '../ports.js';
import { START_POSITION, type Position } from '../position.js';

/** The pairs and the state of one partition. */
export interface StoredPartition {
  readonly pairs: Map<KeyId, EngineEntry>;
  position: Position;
  highestVersion: number;
  /** Whether a fill of the partition began and did not end. */
  isIncomplete: boolean;
}

/** The calls that can fail. To leave the outcomes of a write unknown, override `write`. */
export type EngineCall = 'apply' | 'fill' | 'clear' | 'endFill' | 'scan';

/** An engine for tests, with its partitions in a map. A subclass decides when calls are done and which of them fail. */
export abstract class EngineDouble implements ReplicaEngine {
  abstract readonly evicts: boolean;
  /** The version of the pair that a deletion deleted, by its outcome. */
  readonly removedVersions = new WeakMap<EngineDeleteOutcome, number>();
  readonly #stored: Map<number, StoredPartition>;

  constructor(stored = new Map<number, StoredPartition>()) {
    this.#stored = stored;
  }

  /** Does the work of a call and passes its result to `done`, at once or later. */
  protected abstract call<T>(work: () => T, done: (result: T) => void): void;

  /** Returns how the next call of a kind ends. */
  protected abstract result(call: EngineCall): ApplyResult;

  /** Returns how many of the effects a failed call of `apply` applies. */
  protected abstract countApplied(count: number): number;

  /** Returns the time by which pairs expire. No version is below it. At 0, the versions of a partition are 1, 2, 3 … */
  protected nowMicros(): number {
    return 0;
  }

  isFull(): boolean {
    return false;
  }

  completePartitions(): number[] {
    return this.#partitionsThat(
      ({ pairs, position, isIncomplete }) => !isIncomplete && (pairs.size > 0 || position.number > 0),
    );
  }

  incompletePartitions(): number[] {
    return this.#partitionsThat(({ isIncomplete }) => isIncomplete);
  }

  position(partition: number): Position {
    return this.partition(partition).position;
  }

  highestVersion(partition: number): number {
    return this.partition(partition).highestVersion;
  }

  write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void {
    this.call((): WriteOutcomes => {
      const stored = this.partition(partition);
      const advance = () => {
        stored.position = { epoch, number: stored.position.number + 1 };
      };
      return batch.kind === 'set'
        ? { kind: 'set', outcomes: batch.items.map((item) => this.#set(stored, item, advance)) }
        : { kind: 'delete', outcomes: batch.items.map((item) => this.#delete(stored, item, advance)) };
    }, done);
  }

  apply(
    partition: number,
    effects: readonly Effect[],
    highestVersion: number,
    done: (result: ApplyResult) => void,
  ): void {
    const result = this.result('apply');
    const count = result === 'applied' ? effects.length : this.countApplied(effects.length);
    this.call(() => {
      const stored = this.partition(partition);
      stored.highestVersion = Math.max(stored.highestVersion, highestVersion);
      for (const { id, entry, position } of effects.slice(0, count)) {
        this.put(stored, id, entry);
        stored.position = position;
      }
      return result;
    }, done);
  }

  fill(partition: number, pairs: readonly EnginePair[], done: (result: ApplyResult) => void): void {
    this.#change('fill', partition, done, (stored) => {
      for (const { id, ...entry } of pairs) this.put(stored, id, entry);
    });
  }

  clear(
    partition: number,
    position: Position,
    completeness: Completeness,
    done: (result: ApplyResult) => void,
  ): void {
    this.#change('clear', partition, done, (stored) => {
      stored.pairs.clear();
      stored.position = position;
      stored.isIncomplete = completeness === 'incomplete';
    });
  }

  endFill(partition: number, done: (result: ApplyResult) => void): void {
    this.#change('endFill', partition, done, (stored) => (stored.isIncomplete = false));
  }

  /** Reads one pair at a time. As with an engine, what is being read when the scan is closed is given nonetheless. */
  scan(partition: number): FillScan {
    const ids = [...this.partition(partition).pairs.keys()];
    let isClosed = false;
    return {
      next: (done) => {
        const id = isClosed ? undefined : ids.shift();
        if (id === undefined) return this.call(() => 'end' as const, done);
        const result = this.result('scan');
        this.call(() => {
          if (result !== 'applied') return 'failed';
          const entry = this.read(partition, id);
          return entry === undefined ? [] : [{ id, ...entry }];
        }, done);
      },
      close: () => (isClosed = true),
    };
  }

  /** Returns a pair as clients see it. */
  read(partition: number, id: KeyId): EngineEntry | undefined {
    const entry = this.partition(partition).pairs.get(id);
    return isExpired(entry?.expiresAtMs, this.nowMicros()) ? undefined : entry;
  }

  protected partition(partition: number): StoredPartition {
    let stored = this.#stored.get(partition);
    if (stored === undefined) {
      stored = { pairs: new Map(), position: START_POSITION, highestVersion: 0, isIncomplete: false };
      this.#stored.set(partition, stored);
    }
    return stored;
  }

  /** Stores an entry, or deletes what is stored. */
  protected put(stored: StoredPartition, id: KeyId, entry: EngineEntry | undefined): void {
    if (entry === undefined) {
      stored.pairs.delete(id);
      return;
    }
    stored.pairs.set(id, entry);
    stored.highestVersion = Math.max(stored.highestVersion, entry.version);
  }

  #set(
    stored: StoredPartition,
    { id, value, expiresAtMs, ifVersion, partition }: EngineWrite,
    advance: () => void,
  ): EngineWriteOutcome {
    const before = this.read(partition, id);
    const actualVersion = before?.version ?? 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    const version = nextVersion(stored.highestVersion, this.nowMicros());
    this.put(stored, id, { value, version, expiresAtMs });
    advance();
    return { status: 'written', version, created: before === undefined };
  }

  #delete(
    stored: StoredPartition,
    { id, ifVersion, partition }: EngineDelete,
    advance: () => void,
  ): EngineDeleteOutcome {
    const before = this.read(partition, id);
    const actualVersion = before?.version ?? 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (before !== undefined || this.evicts) advance();
    if (before === undefined) return { status: 'absent' };
    this.put(stored, id, undefined);
    const outcome: EngineDeleteOutcome = { status: 'deleted' };
    this.removedVersions.set(outcome, before.version);
    return outcome;
  }

  /** Changes a partition, unless the call fails. */
  #change(
    call: EngineCall,
    partition: number,
    done: (result: ApplyResult) => void,
    change: (stored: StoredPartition) => void,
  ): void {
    const result = this.result(call);
    this.call(() => {
      if (result === 'applied') change(this.partition(partition));
      return result;
    }, done);
  }

  #partitionsThat(belongs: (stored: StoredPartition) => boolean): number[] {
    return [...this.#stored].flatMap(([partition, stored]) => (belongs(stored) ? [partition] : []));
  }
}
