import type { EngineUnavailable, EngineKey } from '@kvs/kv-store';
import { KvsError } from '@kvs/protocol';
import { inRounds, type ItemGroup } from './data/item-batches.js';
import type { Bytes } from './data/pair-codec.js';
import type { PartitionKeys } from './data/partition-keys.js';
import type { PendingCalls } from './pending-calls.js';
import type { Deadline } from './servers/deadline.js';
import type { PartitionClient, PartitionReply, PartitionRequest } from './servers/partition-client.js';

/** A command on a partition. */
export type Operation = Omit<PartitionRequest, 'keys'>;

export function readOperation(run: Operation['run'], args: readonly Bytes[]): Operation {
  return { run, args, isWrite: false };
}

export function writeOperation(run: Operation['run'], args: readonly Bytes[]): Operation {
  return { run, args, isWrite: true };
}

/** How to run a command for the items of a partition, and how to read its answer: one outcome for each item. */
export interface BatchOperation<T, R> {
  readonly bytesOf: (item: T) => number;
  readonly operation: (items: readonly T[]) => Operation;
  /** The outcome of each item if Redis is full, for operations that have such an outcome. */
  readonly outOfMemory?: R;
  readonly outcomes: (answer: unknown, replicaProblem: string | undefined) => readonly R[];
}

/** The steps of one call, which share its deadline. An item without an answer of Redis is `unavailable`. */
export interface CallSteps {
  /** As {@link BatchRunner.onItems}, but never rejects. */
  tryItems<T extends EngineKey, R>(
    items: readonly T[],
    operation: BatchOperation<T, R>,
  ): Promise<readonly (R | EngineUnavailable)[]>;
  /**
   * Runs one command for each item, in any order.
   *
   * @param isPatient false to give up if the call would have to wait for a server
   */
  onEach<T extends EngineKey>(
    items: readonly T[],
    operation: (item: T) => Operation,
    isPatient: boolean,
  ): Promise<readonly PartitionReply[]>;
}

/** Runs operations partition by partition. */
export class BatchRunner {
  readonly #calls: PendingCalls;
  readonly #client: PartitionClient;
  readonly #keysOf: (partition: number) => PartitionKeys;

  constructor(calls: PendingCalls, client: PartitionClient, keysOf: (partition: number) => PartitionKeys) {
    this.#calls = calls;
    this.#client = client;
    this.#keysOf = keysOf;
  }

  /** Runs the same operation on each of these partitions; returns the answers. Rejects unless all answer. */
  onPartitions(partitions: readonly number[], operation: Operation): Promise<readonly unknown[]> {
    return this.#calls.run(0, async (deadline) => {
      const requests = partitions.map((partition) => ({ keys: this.#keysOf(partition), ...operation }));
      const replies = await this.#client.send(requests, deadline);
      return replies.map((reply) => {
        if (reply.kind !== 'answered') throw new KvsError('engine_unavailable', reply.message);
        return reply.value;
      });
    });
  }

  /** Returns outcomes for all items, in their order. Rejects only if nothing at all was done. */
  onItems<T extends EngineKey, R>(
    items: readonly T[],
    operation: BatchOperation<T, R>,
  ): Promise<readonly (R | EngineUnavailable)[]> {
    return this.#calls.run(sumOf(items, operation.bytesOf), async (deadline) => {
      const { results, problem } = await this.#runRounds(items, operation, deadline);
      if (problem !== undefined) throw new KvsError('engine_unavailable', problem);
      return results;
    });
  }

  /** Runs one call of several steps on these items. */
  inSteps<T extends EngineKey, R>(
    items: readonly T[],
    bytesOf: (item: T) => number,
    run: (steps: CallSteps) => Promise<R>,
  ): Promise<R> {
    return this.#calls.run(sumOf(items, bytesOf), (deadline) =>
      run({
        tryItems: async (some, operation) => (await this.#runRounds(some, operation, deadline)).results,
        onEach: (some, operation, isPatient) => {
          const requests = some.map((item) => ({ keys: this.#keysOf(item.partition), ...operation(item) }));
          return this.#client.send(requests, deadline, isPatient);
        },
      }),
    );
  }

  /** @returns problem: why nothing at all was done; undefined if something was */
  async #runRounds<T extends EngineKey, R>(
    items: readonly T[],
    operation: BatchOperation<T, R>,
    deadline: Deadline,
  ): Promise<{ results: readonly (R | EngineUnavailable)[]; problem: string | undefined }> {
    const results = new Array<R | EngineUnavailable>(items.length);
    const problems: string[] = [];
    let answered = 0;
    // Everything is encoded before the first wait, because the caller may change the items afterwards.
    const rounds = inRounds(items, operation.bytesOf).map((groups) =>
      groups.map((group) => ({ group, request: this.#requestFor(group, operation) })),
    );
    for (const round of rounds) {
      const replies = await this.#client.send(
        round.map(({ request }) => request),
        deadline,
      );
      for (const [position, { group }] of round.entries()) {
        const reply = replies[position] ?? NO_REPLY;
        const outcomes = outcomesOf(reply, group.items.length, operation);
        for (const [at, index] of group.indexes.entries()) results[index] = outcomes[at] ?? NO_OUTCOME;
        const problem = problemIn(reply, operation);
        if (problem === undefined) answered += 1;
        else problems.push(problem);
      }
    }
    return { results, problem: answered === 0 ? problems[0] : undefined };
  }

  #requestFor<T extends EngineKey, R>(
    { partition, items }: ItemGroup<T>,
    { operation }: BatchOperation<T, R>,
  ): PartitionRequest {
    return { keys: this.#keysOf(partition), ...operation(items) };
  }
}

const NO_REPLY: PartitionReply = Object.freeze({
  kind: 'unavailable',
  message: 'Redis gave no answer',
  maybeApplied: true,
});

/** For an item that the answer of Redis leaves out. */
export const NO_OUTCOME: EngineUnavailable = Object.freeze({
  status: 'unavailable',
  message: 'Redis gave no answer for this item',
  maybeApplied: true,
});

/** Returns why nothing was done, unless the operation has an outcome that says so. */
function problemIn<R>(reply: PartitionReply, { outOfMemory }: { outOfMemory?: R }): string | undefined {
  if (reply.kind === 'answered') return undefined;
  const isTold = reply.kind === 'out_of_memory' ? outOfMemory !== undefined : reply.maybeApplied;
  return isTold ? undefined : reply.message;
}

function outcomesOf<T, R>(
  reply: PartitionReply,
  count: number,
  { outcomes, outOfMemory }: BatchOperation<T, R>,
): readonly (R | EngineUnavailable)[] {
  if (reply.kind === 'answered') return outcomes(reply.value, reply.replicaProblem);
  if (reply.kind === 'out_of_memory' && outOfMemory !== undefined) return filled(count, outOfMemory);
  const maybeApplied = reply.kind === 'unavailable' && reply.maybeApplied;
  return filled<EngineUnavailable>(count, {
    status: 'unavailable',
    message: reply.message,
    ...(maybeApplied && { maybeApplied }),
  });
}

function sumOf<T>(items: readonly T[], bytesOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + bytesOf(item), 0);
}

function filled<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}
