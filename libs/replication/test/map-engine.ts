import type { EngineEntry } from '@kvs/kv-store';
import type { KeyId } from '@kvs/protocol';
import type { ApplyResult, FillScan, ReplicaEngine, WriteBatch, WriteOutcomes } from '../src/ports.js';
import type { Effect } from '../src/messages.js';
import { START_POSITION, type Position } from '../src/position.js';

interface Pairs {
  readonly entries: Map<KeyId, EngineEntry>;
  position: Position;
  highestVersion: number;
  isIncomplete: boolean;
}

/** An engine that answers at once, or when a test says so. */
export class MapEngine implements ReplicaEngine {
  evicts = false;
  isFullNow = false;
  /** Results of the next calls of `apply` and `fill`; afterwards all succeed. */
  readonly results: ApplyResult[] = [];
  /** Results of the next calls of `reset` and `beginFill`; afterwards all succeed. */
  readonly clearResults: ApplyResult[] = [];
  /** Results of the next calls of `raiseFloor`; afterwards all succeed. */
  readonly floorResults: ApplyResult[] = [];
  /** Whether `write` does not say what it wrote. */
  isVague = false;
  /** If set, calls that change pairs wait here until the test runs them. */
  waiting: (() => void)[] | undefined;
  readonly #partitions = new Map<number, Pairs>();

  isFull(): boolean {
    return this.isFullNow;
  }

  heldPartitions(): number[] {
    return this.#partitionsThatAre(false);
  }

  incompletePartitions(): number[] {
    return this.#partitionsThatAre(true);
  }

  position(partition: number): Position {
    return this.#pairs(partition).position;
  }

  highestVersion(partition: number): number {
    return this.#pairs(partition).highestVersion;
  }

  entries(partition: number): ReadonlyMap<KeyId, EngineEntry> {
    return this.#pairs(partition).entries;
  }

  write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void {
    this.#later(() => {
      const pairs = this.#pairs(partition);
      const advance = () => (pairs.position = { epoch, number: pairs.position.number + 1 });
      if (batch.kind === 'set') {
        const outcomes = batch.items.map(({ id, value, expiresAtMs, ifVersion }) => {
          const actualVersion = pairs.entries.get(id)?.version ?? 0;
          if (ifVersion !== undefined && ifVersion !== actualVersion)
            return { status: 'version_mismatch', actualVersion } as const;
          const version = ++pairs.highestVersion;
          pairs.entries.set(id, { value, version, expiresAtMs });
          advance();
          return { status: 'written', version, created: actualVersion === 0 } as const;
        });
        done(this.isVague ? undefined : { kind: 'set', outcomes });
      } else {
        const outcomes = batch.items.map(({ id }) => {
          const status = pairs.entries.delete(id) ? ('deleted' as const) : ('absent' as const);
          if (status === 'deleted' || this.evicts) advance();
          return { status };
        });
        done(this.isVague ? undefined : { kind: 'delete', outcomes });
      }
    });
  }

  apply(
    partition: number,
    effects: readonly Effect[],
    highestVersion: number,
    done: (result: ApplyResult) => void,
  ): void {
    this.#later(() => {
      const result = this.results.shift() ?? 'applied';
      const pairs = this.#pairs(partition);
      if (result === 'applied') {
        for (const { id, entry, position } of effects) {
          if (entry === undefined) pairs.entries.delete(id);
          else pairs.entries.set(id, entry);
          pairs.position = position;
        }
        pairs.highestVersion = Math.max(pairs.highestVersion, highestVersion);
      }
      done(result);
    });
  }

  fill(
    partition: number,
    added: readonly { readonly id: KeyId }[] & Parameters<ReplicaEngine['fill']>[1],
    done: (result: ApplyResult) => void,
  ): void {
    this.#later(() => {
      const result = this.results.shift() ?? 'applied';
      if (result === 'applied')
        for (const { id, ...entry } of added) this.#pairs(partition).entries.set(id, entry);
      done(result);
    });
  }

  reset(partition: number, position: Position, done: (result: ApplyResult) => void): void {
    this.#clear(partition, position, false, done);
  }

  beginFill(partition: number, position: Position, done: (result: ApplyResult) => void): void {
    this.#clear(partition, position, true, done);
  }

  endFill(partition: number, done: (result: ApplyResult) => void): void {
    this.#later(() => {
      this.#pairs(partition).isIncomplete = false;
      done('applied');
    });
  }

  raiseFloor(partition: number, version: number, done: (result: ApplyResult) => void): void {
    this.#later(() => {
      const result = this.floorResults.shift() ?? 'applied';
      const pairs = this.#pairs(partition);
      if (result === 'applied') pairs.highestVersion = Math.max(pairs.highestVersion, version);
      done(result);
    });
  }

  scan(partition: number): FillScan {
    const pairs = [...this.#pairs(partition).entries].map(([id, entry]) => ({ id, ...entry }));
    return {
      next: (done) =>
        this.#later(() => {
          const pair = pairs.shift();
          done(pair === undefined ? 'end' : [pair]);
        }),
      close: () => undefined,
    };
  }

  #clear(
    partition: number,
    position: Position,
    isIncomplete: boolean,
    done: (result: ApplyResult) => void,
  ): void {
    this.#later(() => {
      const result = this.clearResults.shift() ?? 'applied';
      const pairs = this.#pairs(partition);
      if (result === 'applied') {
        pairs.entries.clear();
        Object.assign(pairs, { position, isIncomplete });
      }
      done(result);
    });
  }

  #partitionsThatAre(incomplete: boolean): number[] {
    return [...this.#partitions].flatMap(([partition, { isIncomplete }]) =>
      isIncomplete === incomplete ? [partition] : [],
    );
  }

  #later(task: () => void): void {
    if (this.waiting === undefined) task();
    else this.waiting.push(task);
  }

  #pairs(partition: number): Pairs {
    let pairs = this.#partitions.get(partition);
    if (pairs === undefined) {
      pairs = { entries: new Map(), position: START_POSITION, highestVersion: 0, isIncomplete: false };
      this.#partitions.set(partition, pairs);
    }
    return pairs;
  }
}
