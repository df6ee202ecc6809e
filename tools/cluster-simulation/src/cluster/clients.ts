import { operationLine, type Act, type Operation, type Result } from '../check/history.js';
import type { Random } from '../world/random.js';
import type { Scheduler } from '../world/scheduler.js';
import type { Trace } from '../world/trace.js';
import type { Call, Reply } from './calls.js';
import type { SimulatedRouter } from './router.js';

/** The clients of the cluster. They use any proxy, and record each operation with its answer. */
export class SimulatedClients {
  /** All operations on each key. A scan is a read of each key of its partition. */
  readonly history = new Map<string, Operation[]>();
  readonly #keys: readonly (readonly string[])[];
  readonly #routers: readonly SimulatedRouter[];
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #trace: Trace;
  /** The version of each key that was answered last, 0 if it was absent. */
  readonly #versions = new Map<string, number>();
  #count = 0;

  constructor(
    partitionCount: number,
    routers: readonly SimulatedRouter[],
    scheduler: Scheduler,
    random: Random,
    trace: Trace,
  ) {
    this.#keys = Array.from({ length: partitionCount }, (_, i) => [`${i}a`, `${i}b`]);
    for (const key of this.#keys.flat()) this.history.set(key, []);
    this.#routers = routers;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#trace = trace;
  }

  /** The keys of a partition that clients use. */
  keysOf(partition: number): readonly string[] {
    return this.#keys[partition] ?? [];
  }

  /** Begins a random operation. */
  act(partition = this.#random.below(this.#keys.length)): void {
    const random = this.#random;
    const key = random.pick(this.keysOf(partition));
    if (key === undefined) return;
    const what = random.next();
    const isConditional = random.chance(0.45);
    const version = random.chance(0.85) ? (this.#versions.get(key) ?? 0) : random.below(2);
    const condition = isConditional ? { ifVersion: version } : undefined;
    if (what < 0.45) {
      const life = random.chance(0.06) ? { ttlMs: random.below(6000) + 500 } : undefined;
      this.do(key, { kind: 'set', value: `v${this.#count}`, ...condition, ...life });
    } else if (what < 0.57) this.do(key, { kind: 'delete', ...condition });
    else if (what < 0.92) this.do(key, { kind: 'read' });
    else this.scan(partition);
  }

  /** Begins an operation on one key. */
  do(key: string, act: Act, router = this.#random.pick(this.#routers)): Operation {
    const operation = this.#begin(key, act);
    this.#call({ partition: Number.parseInt(key, 10), key, act }, [operation], router);
    return operation;
  }

  /** Begins a scan of a partition. */
  scan(partition: number, router = this.#random.pick(this.#routers)): readonly Operation[] {
    const operations = this.keysOf(partition).map((key) => this.#begin(key, { kind: 'read' }));
    this.#call({ partition, key: undefined, act: { kind: 'read' } }, operations, router);
    return operations;
  }

  #begin(key: string, act: Act): Operation {
    const operation: Operation = {
      id: this.#count++,
      key,
      act,
      invokedMs: this.#scheduler.nowMs,
      returnedMs: Infinity,
      result: undefined,
    };
    this.history.get(key)?.push(operation);
    return operation;
  }

  #call(call: Call, operations: readonly Operation[], router: SimulatedRouter | undefined): void {
    let isOver = false;
    const finish = (reply: Reply | undefined) => {
      if (isOver) return;
      isOver = true;
      for (const operation of operations) this.#finish(operation, reply);
    };
    router?.route(call, finish);
    this.#scheduler.after(PATIENCE_MS, () => finish(undefined));
  }

  #finish(operation: Operation, reply: Reply | undefined): void {
    const result = resultOf(operation, reply);
    if (result !== undefined) {
      operation.returnedMs = this.#scheduler.nowMs;
      operation.result = result;
      this.#learn(operation.key, result);
    }
    this.#trace.add('client', operationLine(operation));
  }

  #learn(key: string, result: Result): void {
    if (result.kind === 'set' || result.kind === 'found') this.#versions.set(key, result.version);
    else if (result.kind === 'absent' || result.kind === 'deleted') this.#versions.set(key, 0);
  }
}

function resultOf({ key, act }: Operation, reply: Reply | undefined): Result | undefined {
  const isRead = act.kind === 'read';
  if (reply === undefined) return isRead ? { kind: 'refused', code: 'no_answer' } : undefined;
  if (reply.kind === 'done') return reply.results.get(key) ?? { kind: 'absent' };
  if (reply.kind === 'wrongNode') return { kind: 'refused', code: 'wrong_node' };
  return reply.maybeApplied && !isRead ? undefined : { kind: 'refused', code: reply.code };
}

/** The time after which a client counts on no answer. */
const PATIENCE_MS = 12_000;
