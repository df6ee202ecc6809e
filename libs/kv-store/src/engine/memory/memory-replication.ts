import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { PARTITION_COUNT } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import {
  START_POSITION,
  type Completeness,
  type EngineApplyOutcome,
  type EngineEffect,
  type EngineIdentity,
  type EngineReplication,
  type Position,
} from '../engine-replication.js';
import type {
  EngineDelete,
  EngineDeleteOutcome,
  EnginePair,
  EngineWrite,
  EngineWriteOutcome,
} from '../engine-data.js';
import { END_OF_HASHES } from './bucket-table.js';
import type { MemoryPartition } from './memory-partition.js';
import type { PairStore } from './pair-store.js';

/** The parts of the engine that the role uses. */
export interface MemoryReplicationContext {
  readonly store: PairStore;
  readonly clock: Clock;
  readonly evicts: boolean;
  /** @throws KvsError `engine_unavailable` */
  readonly assertOpen: () => void;
}

/**
 * The positions of partitions in memory. The boot id is new in every process, because a snapshot lacks the last writes before
 * a crash.
 */
export class MemoryReplication implements EngineReplication {
  readonly #positions: Position[] = Array.from({ length: PARTITION_COUNT }, () => START_POSITION);
  #identity: EngineIdentity | undefined;
  /** Ends with the last removal of a partition's pairs. One at a time, so that many do not fill one turn of the event loop. */
  #lastRemoval: Promise<void> = Promise.resolve();

  readonly #context: MemoryReplicationContext;
  readonly #store: PairStore;

  constructor(context: MemoryReplicationContext) {
    this.#context = context;
    this.#store = context.store;
  }

  async start(): Promise<EngineIdentity> {
    this.#context.assertOpen();
    return (this.#identity ??= newIdentity());
  }

  async renewBootId(): Promise<EngineIdentity> {
    this.#context.assertOpen();
    return (this.#identity = newIdentity());
  }

  write(partition: number, writes: readonly EngineWrite[], epoch: number): readonly EngineWriteOutcome[] {
    const now = this.#now();
    return writes.map((item) => {
      const outcome = this.#store.write(item, now);
      if (outcome.status === 'written') this.#advance(partition, epoch);
      return outcome;
    });
  }

  delete(partition: number, deletes: readonly EngineDelete[], epoch: number): readonly EngineDeleteOutcome[] {
    const now = this.#now();
    return deletes.map((item) => {
      const outcome = this.#store.delete(item, now);
      if (outcome.status === 'deleted' || (outcome.status === 'absent' && this.#context.evicts))
        this.#advance(partition, epoch);
      return outcome;
    });
  }

  apply(partition: number, effects: readonly EngineEffect[], versionFloor: number): EngineApplyOutcome {
    const now = this.#now();
    this.#store.raiseVersionFloor(partition, versionFloor);
    for (const { id, entry, position } of effects) {
      if (entry === undefined) this.#store.delete({ id, partition, ifVersion: undefined }, now);
      else if (!this.#store.put({ id, ...entry }, partition, now)) return OUT_OF_MEMORY;
      this.#positions[partition] = position;
    }
    return APPLIED;
  }

  fill(partition: number, pairs: readonly EnginePair[]): EngineApplyOutcome {
    if (this.isFull()) return OUT_OF_MEMORY; // effects need the rest
    const now = this.#now();
    return pairs.every((pair) => this.#store.put(pair, partition, now)) ? APPLIED : OUT_OF_MEMORY;
  }

  /** The mark ends with the process, and so do the pairs: a snapshot has only the version floor of an incomplete partition. */
  async clear(number: number, position: Position, completeness: Completeness): Promise<EngineApplyOutcome> {
    this.#context.assertOpen();
    this.#positions[number] = START_POSITION;
    this.#store.incomplete.add(number);
    const partition = this.#store.partition(number);
    if (partition !== undefined && partition.pairCount > 0) {
      const removal = this.#lastRemoval.then(() => this.#removeAll(partition));
      this.#lastRemoval = removal.catch(() => undefined);
      await removal;
    }
    this.#positions[number] = position;
    if (completeness === 'complete') this.#store.incomplete.delete(number);
    return APPLIED;
  }

  endFill(partition: number): EngineApplyOutcome {
    this.#context.assertOpen();
    this.#store.incomplete.delete(partition);
    return APPLIED;
  }

  position(partition: number): Position {
    this.#context.assertOpen();
    return this.#positions[partition] ?? START_POSITION;
  }

  versionFloor(partition: number): number {
    this.#context.assertOpen();
    return this.#store.versionFloor(partition);
  }

  completePartitions(): readonly number[] {
    this.#context.assertOpen();
    return this.#positions.flatMap(({ number }, partition) =>
      (number > 0 || (this.#store.partition(partition)?.pairCount ?? 0) > 0) &&
      !this.#store.incomplete.has(partition)
        ? [partition]
        : [],
    );
  }

  incompletePartitions(): readonly number[] {
    this.#context.assertOpen();
    return [...this.#store.incomplete].sort((a, b) => a - b);
  }

  isFull(): boolean {
    const reservedBytes = Math.min(this.#store.budget.maxBytes * RESERVED_SHARE, MAX_RESERVED_BYTES);
    return !this.#context.evicts && !this.#store.hasFree(reservedBytes);
  }

  #advance(partition: number, epoch: number): void {
    this.#positions[partition] = { epoch, number: (this.#positions[partition]?.number ?? 0) + 1 };
  }

  async #removeAll(partition: MemoryPartition): Promise<void> {
    for (let hash = 0; partition.pairCount > 0 && hash < END_OF_HASHES;) {
      this.#context.assertOpen();
      hash = this.#removeSome(partition, hash);
      await setImmediate();
    }
    this.#context.assertOpen();
  }

  /** Removes the pairs of some buckets from this hash on. Returns the hash of the next bucket. */
  #removeSome(partition: MemoryPartition, from: number): number {
    let hash = from;
    for (let removed = 0; removed < REMOVED_PER_TURN && hash < END_OF_HASHES;) {
      const { refs, nextHash } = partition.bucketFrom(hash);
      const [ref] = refs;
      removed += 1;
      // Looks again after each removal, because it may move other records and the bounds of the bucket.
      if (ref === undefined) hash = nextHash;
      else this.#store.remove(partition, ref);
    }
    return hash;
  }

  /** @throws KvsError `engine_unavailable` */
  #now(): number {
    this.#context.assertOpen();
    return this.#context.clock.nowMicros();
  }
}

function newIdentity(): EngineIdentity {
  return { bootId: randomUUID(), starts: 1, isDurable: false };
}

const APPLIED = Object.freeze({ status: 'applied' });
const OUT_OF_MEMORY = Object.freeze({ status: 'out_of_memory' });

/** Pairs and empty buckets that are removed in one turn of the event loop. */
const REMOVED_PER_TURN = 250;

/** The engine says that it is full while it still has this share of its memory, or the bytes below if these are less. */
const RESERVED_SHARE = 1 / 32;
const MAX_RESERVED_BYTES = 16 * 1024 * 1024;
