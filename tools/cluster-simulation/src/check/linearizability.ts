import { operationLine, type Act, type Operation } from './history.js';

/**
 * Looks for an order of the operations on one key that explains every answer: each takes effect at one moment between its
 * call and its answer. An operation without an answer may have taken effect at any time after its call, or never.
 *
 * The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects" (Journal of Parallel and Distributed
 * Computing 17, 1993), with the memoization of Lowe, "Testing for linearizability" (Concurrency and Computation 29(4), 2017):
 * a set of operations with the state that they led to is not searched twice.
 *
 * @returns undefined if there is an order, and otherwise the finding
 */
export function checkLinearizable(operations: readonly Operation[]): string | undefined {
  const versions = versionsOf(operations);
  if (typeof versions === 'string') return versions;
  const steps = operations
    .flatMap((operation) => stepsOf(operation, versions))
    .sort((a, b) => a.fromMs - b.fromMs);
  const search = new Search(steps);
  const verdict = search.run();
  if (verdict === 'explained') return undefined;
  const answered = operations.filter(({ returnedMs }) => Number.isFinite(returnedMs)).length;
  return verdict === 'undecided'
    ? `no order found in ${MAX_STEPS} steps for ${answered} answers`
    : `no order explains ${search.explained + 1} of ${answered} answers; the first that cannot follow: ${search.stuckAt}`;
}

/** A value, or undefined if the key is absent. */
type State = string | undefined;

interface Step {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isOptional: boolean;
  readonly text: string;
  /** Returns the state after the step, or `IMPOSSIBLE` if the answer does not fit the state before. */
  apply(state: State): State | typeof IMPOSSIBLE;
}

const IMPOSSIBLE = Symbol('impossible');
const MAX_STEPS = 200_000;

class Search {
  readonly #must: readonly Step[];
  readonly #may: readonly Step[];
  /** Which steps have been taken: of `#must`, then of `#may`. */
  readonly #taken: Uint16Array;
  readonly #visited = new Set<string>();
  #stepCount = 0;
  #depth = 0;
  /** The most answers that one order explained. */
  explained = 0;
  /** The answer that came first of those that could not follow the longest order. */
  stuckAt = '';

  constructor(steps: readonly Step[]) {
    this.#must = steps.filter(({ isOptional }) => !isOptional);
    this.#may = steps.filter(({ isOptional }) => isOptional);
    this.#taken = new Uint16Array(Math.ceil(steps.length / 16));
  }

  run(): 'explained' | 'unexplained' | 'undecided' {
    if (this.#continue(undefined)) return 'explained';
    return this.#stepCount > MAX_STEPS ? 'undecided' : 'unexplained';
  }

  #continue(state: State): boolean {
    if (this.#depth === this.#must.length) return true;
    if (++this.#stepCount > MAX_STEPS) return false;
    const known = `${String.fromCharCode(...this.#taken)}${state ?? ''}`;
    if (this.#visited.has(known)) return false;
    this.#visited.add(known);
    const limit = this.#firstReturn();
    return this.#try(this.#must, 0, limit, state) || this.#try(this.#may, this.#must.length, limit, state);
  }

  /** Returns when the first answer comes of the steps that are left. What began later can't be next. */
  #firstReturn(): number {
    let first = Infinity;
    let text = '';
    this.#must.forEach((step, i) => {
      if (!this.#isTaken(i) && step.untilMs < first) {
        first = step.untilMs;
        text = step.text;
      }
    });
    if (this.#depth >= this.explained) {
      this.explained = this.#depth;
      this.stuckAt = text;
    }
    return first;
  }

  #try(steps: readonly Step[], offset: number, limit: number, state: State): boolean {
    for (const [i, step] of steps.entries()) {
      if (step.fromMs > limit) return false;
      if (this.#isTaken(offset + i)) continue;
      const next = step.apply(state);
      if (next === IMPOSSIBLE || (step.isOptional && next === state)) continue;
      this.#flip(offset + i);
      if (!step.isOptional) this.#depth++;
      if (this.#continue(next)) return true;
      if (!step.isOptional) this.#depth--;
      this.#flip(offset + i);
    }
    return false;
  }

  #isTaken(index: number): boolean {
    return ((this.#taken[index >> 4] ?? 0) & (1 << (index & 15))) !== 0;
  }

  #flip(index: number): void {
    this.#taken[index >> 4] = (this.#taken[index >> 4] ?? 0) ^ (1 << (index & 15));
  }
}

/** Returns which value has which version, or a finding if a version or a value occurs twice. */
function versionsOf(operations: readonly Operation[]): ReadonlyMap<number, string> | string {
  const values = new Map<number, string>();
  const versions = new Map<string, number>();
  for (const operation of operations) {
    const { act, result } = operation;
    if (result?.kind !== 'found' && result?.kind !== 'set') continue;
    const value = result.kind === 'found' ? result.value : act.kind === 'set' ? act.value : '';
    const { version } = result;
    if ((values.get(version) ?? value) !== value)
      return `version ${version} has two values: ${operationLine(operation)}`;
    if ((versions.get(value) ?? version) !== version)
      return `${value} has two versions: ${operationLine(operation)}`;
    values.set(version, value);
    versions.set(value, version);
  }
  return values;
}

function stepsOf(operation: Operation, versions: ReadonlyMap<number, string>): Step[] {
  const { act, result, invokedMs, returnedMs } = operation;
  const transition = result === undefined ? effectOf(act, versions) : answerOf(act, result, versions);
  if (transition === undefined) return [];
  const text = operationLine(operation);
  const isOptional = result === undefined;
  const step = { fromMs: invokedMs, untilMs: returnedMs, isOptional, text, apply: transition };
  if (act.kind !== 'set' || act.ttlMs === undefined) return [step];
  const { value, ttlMs } = act;
  const expiry: Step = {
    fromMs: invokedMs + ttlMs * EARLIEST_EXPIRY,
    untilMs: Infinity,
    isOptional: true,
    text: `${value} expires`,
    apply: (state) => (state === value ? undefined : IMPOSSIBLE),
  };
  return [step, expiry];
}

/** Clocks may be fast by 9%. */
const EARLIEST_EXPIRY = 0.9;

type Transition = Step['apply'];

/** Returns what an operation does that has no answer, or undefined if it changes nothing. */
function effectOf(act: Act, versions: ReadonlyMap<number, string>): Transition | undefined {
  if (act.kind === 'read') return undefined;
  const after = act.kind === 'set' ? act.value : undefined;
  return (state) => (holds(act.ifVersion, state, versions) ? after : IMPOSSIBLE);
}

function answerOf(
  act: Act,
  result: NonNullable<Operation['result']>,
  versions: ReadonlyMap<number, string>,
): Transition | undefined {
  switch (result.kind) {
    case 'refused':
      return undefined;
    case 'set':
      return effectOf(act, versions);
    case 'found':
      return (state) => (state === result.value ? state : IMPOSSIBLE);
    case 'absent':
      return (state) => (state === undefined ? state : IMPOSSIBLE);
    case 'deleted': {
      const effect = effectOf(act, versions);
      return (state) => (state === undefined ? IMPOSSIBLE : (effect?.(state) ?? undefined));
    }
    case 'mismatch': {
      const ifVersion = act.kind === 'read' ? undefined : act.ifVersion;
      return (state) => (holds(ifVersion, state, versions) ? IMPOSSIBLE : state);
    }
  }
}

function holds(ifVersion: number | undefined, state: State, versions: ReadonlyMap<number, string>): boolean {
  if (ifVersion === undefined) return true;
  return ifVersion === 0 ? state === undefined : state !== undefined && versions.get(ifVersion) === state;
}
