import { setImmediate } from 'node:timers/promises';
import {
  deleteOutcome,
  engineDelete,
  engineWrite,
  setOutcome,
  type Clock,
  type KvStore,
} from '@kvs/kv-store';
import type { NodeOperations, NodeStats } from '@kvs/node-link';
import {
  ALL_PARTITIONS,
  answerTooLarge,
  isPromise,
  keyId,
  KvsError,
  leastBytes,
  partitionOf,
  whenDone,
  WrongNodeError,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type KeyValueOperations,
  type MaybePromise,
  type PairLines,
  type QueryOutcome,
  type ScanAnswer,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import type { Refusal, Replica, WriteAnswer, WriteBatch, WriteOutcomes } from '@kvs/replication';
import { nodeOfBoot } from '@kvs/topology';
import { scanAnswer } from '../operations.js';
import { statsOf } from '../store-operations.js';
import { byPartition, OutcomeList, type PartitionItems } from './outcome-list.js';

/** The part of a replica that operations use. */
export type ServingReplica = Pick<Replica, 'bootId' | 'write' | 'read' | 'isServing' | 'topology'>;

/**
 * The operations of a node in a cluster, on the partitions that it serves. An item of another partition fails with
 * `wrong_node`, and nothing was done for it.
 */
export class ReplicatedOperations implements KeyValueOperations, NodeOperations {
  readonly #store: KvStore;
  readonly #replica: ServingReplica;
  readonly #clock: Clock;

  /** @param clock of the store and its engine */
  constructor(store: KvStore, replica: ServingReplica, clock: Clock) {
    this.#store = store;
    this.#replica = replica;
    this.#clock = clock;
  }

  set(
    items: readonly SetItem[],
    partitions: readonly number[] = items.map(({ key }) => partitionOf(key)),
    epoch = 0,
  ): MaybePromise<readonly SetOutcome[]> {
    const list = new OutcomeList<SetOutcome>(items.length);
    for (const part of byPartition(items, partitions)) {
      const writes = part.items.map((item) => engineWrite(item, part.partition, this.#clock));
      this.#write(part, { kind: 'set', items: writes }, epoch, list, (result) =>
        result.kind === 'set' ? result.outcomes.map(setOutcome) : [],
      );
    }
    return list.answer();
  }

  delete(
    items: readonly DeleteItem[],
    partitions: readonly number[] = items.map(({ key }) => partitionOf(key)),
    epoch = 0,
  ): MaybePromise<readonly DeleteOutcome[]> {
    const list = new OutcomeList<DeleteOutcome>(items.length);
    for (const part of byPartition(items, partitions)) {
      const deletes = part.items.map((item) => engineDelete(item, part.partition));
      this.#write(part, { kind: 'delete', items: deletes }, epoch, list, (result) =>
        result.kind === 'delete' ? result.outcomes.map(deleteOutcome) : [],
      );
    }
    return list.answer();
  }

  fetch(
    keys: readonly Key[],
    maxBytes = Infinity,
    partitions: readonly number[] = keys.map(partitionOf),
    epoch = 0,
  ): MaybePromise<readonly FetchOutcome[]> {
    const list = new OutcomeList<FetchOutcome>(keys.length);
    let leftBytes = maxBytes;
    for (const part of byPartition(keys, partitions)) {
      this.#read(part, epoch, list, () => {
        const answer = this.#store.fetch(part.items, Math.max(leftBytes, 0), partitionsOf(part));
        return whenDone(answer, (outcomes) => {
          for (const outcome of outcomes)
            if (outcome.ok && outcome.entry !== null) leftBytes -= leastBytes(outcome.entry.value);
          if (leftBytes < 0) throw answerTooLarge(maxBytes);
          return outcomes;
        });
      });
    }
    return list.answer();
  }

  query(
    keys: readonly Key[],
    partitions: readonly number[] = keys.map(partitionOf),
    epoch = 0,
  ): MaybePromise<readonly QueryOutcome[]> {
    const list = new OutcomeList<QueryOutcome>(keys.length);
    for (const part of byPartition(keys, partitions))
      this.#read(part, epoch, list, () => this.#store.query(part.items, partitionsOf(part)));
    return list.answer();
  }

  /** @throws WrongNodeError if the node does not serve all partitions of the request */
  async scan(request: ScanRequest): Promise<ScanAnswer> {
    const { partitions = ALL_PARTITIONS } = request;
    const missing = partitions.find((partition) => !this.#replica.isServing(partition));
    if (missing !== undefined) throw new WrongNodeError(missing);
    return scanAnswer(this.scanLines(request));
  }

  async *scanLines(request: ScanRequest, epoch = 0): PairLines {
    for (const [index, partition] of (request.partitions ?? ALL_PARTITIONS).entries()) {
      yield* this.#partitionLines({ ...request, partitions: [partition] }, partition, epoch);
      if ((index + 1) % PARTITIONS_PER_TURN !== 0) continue;
      // An engine may read a small partition without any wait.
      await setImmediate();
      yield NOTHING;
    }
  }

  stats(): Promise<NodeStats> {
    return statsOf(this.#store);
  }

  #write<O>(
    { partition, places }: PartitionItems<unknown>,
    batch: WriteBatch,
    epoch: number,
    list: OutcomeList<O | ItemFailure>,
    outcomesOf: (result: WriteOutcomes) => readonly O[],
  ): void {
    this.#replica.write(partition, batch, epoch, (answer) => {
      if (answer.kind === 'done') list.put(places, outcomesOf(answer.result));
      else list.put(places, fillWith(places.length, this.#failureOf(partition, answer)));
    });
  }

  /** @param read reads from the store; its error is that of the whole batch */
  #read<O>(
    { partition, places, items }: PartitionItems<Key>,
    epoch: number,
    list: OutcomeList<O | ItemFailure>,
    read: () => MaybePromise<readonly O[]>,
  ): void {
    this.#replica.read(partition, items.map(keyId), epoch, attempt(read), (answer) => {
      if (answer.kind === 'refused')
        list.put(places, fillWith(places.length, this.#failureOf(partition, answer)));
      else if ('error' in answer.result) list.fail(places, answer.result.error);
      else list.put(places, answer.result.value);
    });
  }

  /**
   * Yields the pairs of one partition. Nothing is given before it is certain that the node served the partition when it was
   * read. The first chunk is given when the second was read, so a small partition is read elsewhere if it moves meanwhile.
   */
  async *#partitionLines(request: ScanRequest, partition: number, epoch: number): PairLines {
    const chunks = this.#store.scanJson(request)[Symbol.asyncIterator]();
    let waiting: Uint8Array | undefined;
    let hasGiven = false;
    try {
      for (;;) {
        const step = await this.#guarded(partition, epoch, () => chunks.next());
        if (step === 'wrong node') {
          if (hasGiven)
            throw new KvsError('node_unavailable', `the partition ${partition} moves to another node`);
          throw new WrongNodeError(partition);
        }
        if (step.done !== true && step.value.length === 0) {
          yield step.value;
          continue;
        }
        if (waiting !== undefined) {
          yield waiting;
          hasGiven = true;
        }
        if (step.done === true) return;
        waiting = step.value;
      }
    } finally {
      await chunks.return?.();
    }
  }

  #guarded<T>(partition: number, epoch: number, read: () => Promise<T>): Promise<T | 'wrong node'> {
    return new Promise((resolve, reject) => {
      this.#replica.read(partition, 'all', epoch, attempt(read), (answer) => {
        if (answer.kind === 'refused') resolve('wrong node');
        else if ('error' in answer.result) reject(answer.result.error);
        else resolve(answer.result.value);
      });
    });
  }

  #failureOf(partition: number, answer: Exclude<WriteAnswer, { kind: 'done' }> | Refusal): ItemFailure {
    const { message } = answer;
    if (answer.kind === 'maybeApplied')
      return { ok: false, code: 'node_unavailable', message, maybeApplied: true };
    const isWrongNode = answer.code === 'wrong_node';
    return {
      ok: false,
      code: answer.code,
      message: isWrongNode ? this.#explain(partition, message) : message,
    };
  }

  /** Says which node has the partition, for people who ask a node directly, or why this node does not serve it now. */
  #explain(partition: number, reason: string): string {
    const { topology, bootId } = this.#replica;
    const primary = topology?.partitions[partition]?.primary;
    if (primary === bootId) return `the partition ${partition} is not served now: ${reason}`;
    const node = topology && primary && nodeOfBoot(topology, primary);
    if (node === undefined) return `no node serves the partition ${partition} now`;
    const { id, address } = node;
    return `the partition ${partition} is served by ${id === address ? id : `${id} at ${address}`}`;
  }
}

/** How many partitions are read in one turn of the event loop if they have few pairs. */
const PARTITIONS_PER_TURN = 16;

const NOTHING = new Uint8Array(0);

/** The result of a read, or what it threw. */
type Attempt<T> = { readonly value: T } | { readonly error: unknown };

/** Returns the read in the form that a replica takes: it always calls back. */
function attempt<T>(read: () => MaybePromise<T>): (done: (result: Attempt<T>) => void) => void {
  return (done) => {
    let answer: MaybePromise<T>;
    try {
      answer = read();
    } catch (error) {
      return done({ error });
    }
    if (!isPromise(answer)) return done({ value: answer });
    answer.then(
      (value) => done({ value }),
      (error: unknown) => done({ error }),
    );
  };
}

function partitionsOf({ partition, items }: PartitionItems<unknown>): number[] {
  return fillWith(items.length, partition);
}

function fillWith<T>(count: number, value: T): T[] {
  return new Array<T>(count).fill(value);
}
