import { operationLine, type Act, type Operation } from './history.js';

/**
 * Looks for an order of the operations on one key that explains every answer: each takes effect at one moment between its
 * call and its answer. An operation without an answer may have taken effect at any time after its call, or never.
 *
 * The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects" (Journal of Parallel and Distributed
 * Computing 17, 1993), with the memoization of Lowe, "Testing for linearizability" (Concurrency and Computation 29(4), 2017):
 * a set of operations with the state that they led to is not searched twice.
 */
export function checkLinearizable(
  operations: readonly Operation[],
  { evicts = false, maxSteps = 200_000 }: CheckOptions = {},
): Verdict {
  const shown = shownPairsOf(operations);
  if (typeof shown === 'string') return { kind: 'unexplained', text: shown };
  const steps = operations
    .flatMap((operation) => stepsOf(operation, shown, evicts))
    .sort((a, b) => a.fromMs - b.fromMs);
  const search = new Search(steps, maxSteps);
  const kind = search.run();
  if (kind !== 'unexplained') return { kind };
  const answers = operations.filter(({ returnedMs }) => Number.isFinite(returnedMs)).length;
  const { explained, stuckAt } = search;
  const text = `no order explains ${explained + 1} of ${answers} answers; the first that cannot follow: ${stuckAt}`;
  return { kind, text };
}

export interface CheckOptions {
  /**
   * Whether copies may have evicted the key at any time, each for itself. So any answer may be that of an absent key, and a later one
   * may show the value again. Default: no.
   */
  readonly evicts?: boolean;
  /** After how many steps the search gives up. Default: 200,000. */
  readonly maxSteps?: number;
}

/** The result of the check of one key. */
export type Verdict =
  | { readonly kind: 'explained' }
  /** The search took too long. */
  | { readonly kind: 'undecided' }
  | { readonly kind: 'unexplained'; readonly text: string };

/** A value, or undefined if the key is absent. */
type State = string | undefined;

interface Step {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isOptional: boolean;
  readonly text: string;
  /** Steps with the same text here have the same effect on all answers; undefined if a step has no equal. */
  readonly sameAs: string | undefined;
  /** The version that the step gives, if an answer showed it. Versions grow, so no step with a lower one can follow. */
  readonly version: number | undefined;
  /** Returns the state after the step, or `IMPOSSIBLE` if the answer does not fit the state before. */
  apply(state: State): State | typeof IMPOSSIBLE;
}

const IMPOSSIBLE = Symbol('impossible');

/**
 * The search for an order. It tries a step without an answer only right before the step that depends on it, because no answer
 * could show it earlier. That step has an answer, or is tried right before one with an answer itself. If several steps without
 * an answer have the same effect, the search tries the first.
 */
class Search {
  readonly #must: readonly Step[];
  readonly #may: readonly Step[];
  /** Which steps have been taken: of `#must`, then of `#may`. */
  readonly #taken: Uint16Array;
  readonly #visited = new Set<string>();
  readonly #maxSteps: number;
  #stepCount = 0;
  #depth = 0;
  #highestVersion = 0;
  /** The versions of the steps with answers, ascending, and how many of them have been taken. */
  readonly #versions: readonly number[];
  #versionCount = 0;
  /** The most answers that one order explained. */
  explained = 0;
  /** The answer that came first of those that could not follow the longest order. */
  stuckAt = '';

  constructor(steps: readonly Step[], maxSteps: number) {
    this.#maxSteps = maxSteps;
    this.#must = steps.filter(({ isOptional }) => !isOptional);
    this.#may = steps.filter(({ isOptional }) => isOptional);
    this.#taken = new Uint16Array(Math.ceil(steps.length / 16));
    this.#versions = this.#must.flatMap(({ version }) => version ?? []).sort((a, b) => a - b);
  }

  run(): Verdict['kind'] {
    if (this.#continue(undefined)) return 'explained';
    return this.#stepCount > this.#maxSteps ? 'undecided' : 'unexplained';
  }

  #continue(state: State): boolean {
    if (this.#depth === this.#must.length) return true;
    if (++this.#stepCount > this.#maxSteps) return false;
    const known = `${String.fromCharCode(...this.#taken)}${state ?? ''}`;
    if (this.#visited.has(known)) return false;
    this.#visited.add(known);
    const limit = this.#firstReturn();
    const look = this.#firstLook(state, limit);
    if (look !== undefined) return this.#take(look, state);
    return (
      this.#takeOne(limit, (index) => this.#take(index, state)) ||
      this.#takeOne(limit, (index) => this.#takeAfterOthers(index, state, limit, MAX_CHAIN))
    );
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

  /** Returns a step that fits and changes nothing. If there is an order at all, there is one in which it comes next. */
  #firstLook(state: State, limit: number): number | undefined {
    for (const [i, step] of this.#must.entries()) {
      if (step.fromMs > limit) return undefined;
      if (!this.#isTaken(i) && step.version === undefined && step.apply(state) === state) return i;
    }
    return undefined;
  }

  #takeOne(limit: number, take: (index: number) => boolean): boolean {
    for (const [i, step] of this.#must.entries()) {
      if (step.fromMs > limit) return false;
      if (!this.#isTaken(i) && take(i)) return true;
    }
    return false;
  }

  /** Takes a step with an answer, if it fits the state, and goes on. */
  #take(index: number, state: State): boolean {
    const step = this.#must[index];
    const next = step?.apply(state);
    const before = this.#highestVersion;
    if (step === undefined || next === IMPOSSIBLE || !this.#mayFollow(step)) return false;
    const { version } = step;
    this.#highestVersion = version ?? before;
    if (version !== undefined) this.#versionCount++;
    this.#flip(index);
    this.#depth++;
    if (this.#continue(next)) return true;
    this.#depth--;
    this.#flip(index);
    this.#highestVersion = before;
    if (version !== undefined) this.#versionCount--;
    return false;
  }

  /**
   * Takes steps without an answer, and then the one with an answer, which they make possible.
   *
   * @param before the state before the last step: a further one must depend on it
   */
  #takeAfterOthers(
    index: number,
    state: State,
    limit: number,
    chain: number,
    before?: { state: State },
  ): boolean {
    const tried = new Set<string>();
    for (const [i, step] of this.#may.entries()) {
      if (step.fromMs > limit) return false;
      const at = this.#must.length + i;
      if (this.#isTaken(at) || (step.sameAs !== undefined && tried.has(step.sameAs))) continue;
      const next = step.apply(state);
      const highest = this.#highestVersion;
      if (next === IMPOSSIBLE || next === state || !this.#mayFollow(step)) continue;
      if (before !== undefined && step.apply(before.state) === next) continue;
      if (step.sameAs !== undefined) tried.add(step.sameAs);
      this.#highestVersion = step.version ?? highest;
      this.#flip(at);
      if (this.#take(index, next)) return true;
      if (chain > 1 && this.#takeAfterOthers(index, next, limit, chain - 1, { state })) return true;
      this.#flip(at);
      this.#highestVersion = highest;
    }
    return false;
  }

  /** Whether the version of a step is above those that were taken, and not above one that is left. */
  #mayFollow({ version }: Step): boolean {
    if (version === undefined) return true;
    return version > this.#highestVersion && version <= (this.#versions[this.#versionCount] ?? Infinity);
  }

  #isTaken(index: number): boolean {
    return ((this.#taken[index >> 4] ?? 0) & (1 << (index & 15))) !== 0;
  }

  #flip(index: number): void {
    this.#taken[index >> 4] = (this.#taken[index >> 4] ?? 0) ^ (1 << (index & 15));
  }
}

/** How many operations without an answer may build on each other. */
const MAX_CHAIN = 3;

/** The pairs of value and version that answers showed. */
interface ShownPairs {
  readonly valueByVersion: ReadonlyMap<number, string>;
  readonly versionByValue: ReadonlyMap<string, number>;
}

/** Returns which value has which version, or a finding if a version or a value occurs twice. */
function shownPairsOf(operations: readonly Operation[]): ShownPairs | string {
  const valueByVersion = new Map<number, string>();
  const versionByValue = new Map<string, number>();
  for (const operation of operations) {
    const { act, result } = operation;
    if (result?.kind !== 'found' && result?.kind !== 'set') continue;
    const value = result.kind === 'found' ? result.value : act.kind === 'set' ? act.value : '';
    const { version } = result;
    if ((valueByVersion.get(version) ?? value) !== value)
      return `version ${version} has two values: ${operationLine(operation)}`;
    if ((versionByValue.get(value) ?? version) !== version)
      return `${value} has two versions: ${operationLine(operation)}`;
    valueByVersion.set(version, value);
    versionByValue.set(value, version);
  }
  return { valueByVersion, versionByValue };
}

function stepsOf(operation: Operation, shown: ShownPairs, evicts: boolean): Step[] {
  const { act, result, invokedMs, returnedMs } = operation;
  const ofEvicted = evicts ? transitionOfEvicted(act, result) : undefined;
  const transition =
    ofEvicted ?? (result === undefined ? effectOf(act, shown) : answerOf(act, result, shown));
  if (transition === undefined) return [];
  const text = operationLine(operation);
  const isOptional = result === undefined;
  const sameAs = isOptional ? equivalent(act, shown) : undefined;
  const version = act.kind === 'set' ? shown.versionByValue.get(act.value) : undefined;
  const step = {
    fromMs: invokedMs,
    untilMs: returnedMs,
    isOptional,
    text,
    sameAs,
    version,
    apply: transition,
  };
  if (act.kind !== 'set' || act.ttlMs === undefined) return [step];
  const { value } = act;
  const expiry: Step = {
    // The node that computed the deadline may have been suspended, so that its clock was seconds late.
    fromMs: invokedMs,
    untilMs: Infinity,
    isOptional: true,
    sameAs: undefined,
    version: undefined,
    text: `${value} expires`,
    apply: (state) => (state === value ? undefined : IMPOSSIBLE),
  };
  return [step, expiry];
}

/** Returns the same text for all unconditional deletions, and for all unconditional writes whose values no answer showed. */
function equivalent(act: Act, { versionByValue }: ShownPairs): string | undefined {
  if (act.kind === 'read' || act.ifVersion !== undefined) return undefined;
  if (act.kind === 'delete') return 'delete';
  return act.ttlMs === undefined && !versionByValue.has(act.value) ? 'set' : undefined;
}

type Transition = Step['apply'];

/** Returns what an operation does that has no answer, or undefined if it changes nothing. */
function effectOf(act: Act, shown: ShownPairs): Transition | undefined {
  if (act.kind === 'read') return undefined;
  const after = act.kind === 'set' ? act.value : undefined;
  return (state) => (holds(act.ifVersion, state, shown) ? after : IMPOSSIBLE);
}

function answerOf(
  act: Act,
  result: NonNullable<Operation['result']>,
  shown: ShownPairs,
): Transition | undefined {
  switch (result.kind) {
    case 'refused':
      return undefined;
    case 'set':
      return effectOf(act, shown);
    case 'found':
      return (state) => (state === result.value ? state : IMPOSSIBLE);
    case 'absent':
      return (state) => (state === undefined ? state : IMPOSSIBLE);
    case 'deleted': {
      const effect = effectOf(act, shown);
      return (state) => (state === undefined ? IMPOSSIBLE : (effect?.(state) ?? undefined));
    }
    case 'mismatch': {
      const ifVersion = act.kind === 'read' ? undefined : act.ifVersion;
      return (state) => (holds(ifVersion, state, shown) ? IMPOSSIBLE : state);
    }
  }
}

/** Returns the transition of an operation that may have found its key evicted; undefined if it can't have. */
function transitionOfEvicted(act: Act, result: Operation['result']): Transition | undefined {
  if (act.kind === 'read') return result?.kind === 'absent' ? (state) => state : undefined;
  if (result?.kind === 'mismatch') return act.ifVersion === 0 ? undefined : (state) => state;
  const isDone = result === undefined || result.kind === 'set';
  if (result?.kind === 'absent' || (isDone && act.ifVersion === 0))
    return () => (act.kind === 'set' ? act.value : undefined);
  return undefined;
}

function holds(ifVersion: number | undefined, state: State, shown: ShownPairs): boolean {
  if (ifVersion === undefined) return true;
  return ifVersion === 0
    ? state === undefined
    : state !== undefined && shown.valueByVersion.get(ifVersion) === state;
}
