import type { EncodedData } from './encoding.js';
import { ERROR_CODES, type ErrorCode } from './errors.js';
import type { Key } from './key.js';
import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  ItemFailure,
  QueryOutcome,
  SetItem,
  SetOutcome,
} from './operations.js';
import type { IncrementItem, IncrementOutcome, TouchItem, TouchOutcome } from './pair-updates.js';

/** Why an item failed, as JSON has it. */
export interface WireFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Set if a write may have been applied, because its answer was lost. */
  readonly maybe_applied?: true;
}

/** A failure with the key of its item. */
export interface WireKeyFailure extends WireFailure {
  readonly key: EncodedData;
}

/** The answer to `PUT /set`. `versions` and `created` with `?meta=true`: one for each item, `null` for a failed one. */
export interface WireSetAnswer {
  readonly keys_added: number;
  readonly keys_failed: readonly WireKeyFailure[];
  readonly versions?: readonly (number | null)[];
  readonly created?: readonly (boolean | null)[];
}

/** The answer to `POST /delete`. `deleted` with `?meta=true`: one for each item, `null` for a failed one. */
export interface WireDeleteAnswer {
  readonly keys_deleted: number;
  readonly keys_failed: readonly WireKeyFailure[];
  readonly deleted?: readonly (boolean | null)[];
}

/** One item of the answers to `GET` and `POST /fetch`. `version` and `ttl_ms` with `?meta=true`. */
export interface WirePair {
  readonly key: EncodedData;
  readonly value: EncodedData | null;
  readonly version?: number;
  readonly ttl_ms?: number;
  readonly error?: WireFailure;
}

/** One item of the answer to `POST /query`. `null` with an `error` if it is not known. */
export interface WirePresence {
  readonly key: EncodedData;
  readonly value: boolean | null;
  readonly error?: WireFailure;
}

/** The answer to `POST /touch`. */
export interface WireTouchAnswer {
  readonly keys_touched: number;
  readonly keys_failed: readonly WireKeyFailure[];
}

/** One item of the answer to `POST /increment`: the sum, as a text beyond 2⁵³. `null` with an `error` if it failed. */
export interface WireSum {
  readonly key: EncodedData;
  readonly value: number | string | null;
  readonly error?: WireFailure;
}

/** An answer's body, with the status for its outcomes. */
export interface WireAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** Returns the body that answers `PUT /set`. */
export function setAnswer(
  items: readonly SetItem[],
  outcomes: readonly SetOutcome[],
  meta: boolean,
): WireAnswer<WireSetAnswer> {
  const { status, count, failed } = tally(items, outcomes, () => true);
  if (!meta) return { status, body: { keys_added: count, keys_failed: failed } };
  const versions = outcomes.map((outcome) => (outcome.ok ? outcome.version : null));
  const created = outcomes.map((outcome) => (outcome.ok ? outcome.created : null));
  return { status, body: { keys_added: count, keys_failed: failed, versions, created } };
}

/** Returns the body that answers `POST /delete`. */
export function deleteAnswer(
  items: readonly DeleteItem[],
  outcomes: readonly DeleteOutcome[],
  meta: boolean,
): WireAnswer<WireDeleteAnswer> {
  const { status, count, failed } = tally(items, outcomes, (outcome) => outcome.deleted);
  if (!meta) return { status, body: { keys_deleted: count, keys_failed: failed } };
  const deleted = outcomes.map((outcome) => (outcome.ok ? outcome.deleted : null));
  return { status, body: { keys_deleted: count, keys_failed: failed, deleted } };
}

/** Returns the body that answers `POST /fetch`. */
export function fetchAnswer(
  keys: readonly Key[],
  outcomes: readonly FetchOutcome[],
  meta: boolean,
): WireAnswer<WirePair[]> {
  const body = zip(keys, outcomes, (key, outcome): WirePair => {
    if (!outcome.ok) return { key, value: null, error: wireFailure(outcome) };
    if (outcome.entry === null) return { key, value: null };
    const { value, version, ttlMs } = outcome.entry;
    if (!meta) return { key, value };
    return ttlMs === undefined ? { key, value, version } : { key, value, version, ttl_ms: ttlMs };
  });
  return { status: batchStatus(outcomes), body };
}

/** Returns the body that answers `POST /query`. */
export function queryAnswer(
  keys: readonly Key[],
  outcomes: readonly QueryOutcome[],
): WireAnswer<WirePresence[]> {
  const body = zip(keys, outcomes, (key, outcome): WirePresence =>
    outcome.ok ? { key, value: outcome.present } : { key, value: null, error: wireFailure(outcome) },
  );
  return { status: batchStatus(outcomes), body };
}

/** Returns the body that answers `POST /touch`. */
export function touchAnswer(
  items: readonly TouchItem[],
  outcomes: readonly TouchOutcome[],
): WireAnswer<WireTouchAnswer> {
  const { status, count, failed } = tally(items, outcomes, (outcome) => outcome.touched);
  return { status, body: { keys_touched: count, keys_failed: failed } };
}

/** Returns the body that answers `POST /increment`. */
export function incrementAnswer(
  items: readonly IncrementItem[],
  outcomes: readonly IncrementOutcome[],
): WireAnswer<WireSum[]> {
  const body = zip(items, outcomes, ({ key }, outcome): WireSum => {
    if (!outcome.ok) return { key, value: null, error: wireFailure(outcome) };
    return { key, value: typeof outcome.value === 'number' ? outcome.value : String(outcome.value) };
  });
  return { status: batchStatus(outcomes), body };
}

type Outcome = { readonly ok: true } | ItemFailure;

/**
 * Returns 200 if all items succeeded, 207 if some did, and the status of the reason if all failed for the same
 * reason.
 */
export function batchStatus(outcomes: readonly Outcome[]): number {
  const [first] = outcomes;
  const reason = first?.ok === false ? first.code : undefined;
  for (const outcome of outcomes) if ((outcome.ok ? undefined : outcome.code) !== reason) return 207;
  return reason === undefined ? 200 : ERROR_CODES[reason].status;
}

function tally<T extends { readonly ok: true }>(
  items: readonly { readonly key: Key }[],
  outcomes: readonly (T | ItemFailure)[],
  counts: (outcome: T) => boolean,
): { status: number; count: number; failed: WireKeyFailure[] } {
  let count = 0;
  const failed: WireKeyFailure[] = [];
  zip(items, outcomes, ({ key }, outcome) => {
    if (!outcome.ok) failed.push({ key, ...wireFailure(outcome) });
    else if (counts(outcome)) count++;
  });
  return { status: batchStatus(outcomes), count, failed };
}

function wireFailure({ code, message, maybeApplied }: ItemFailure): WireFailure {
  return { code, message, ...(maybeApplied ? { maybe_applied: true } : undefined) };
}

function zip<A, B extends object, C>(left: readonly A[], right: readonly B[], join: (a: A, b: B) => C): C[] {
  if (left.length !== right.length) throw new TypeError(`${left.length} items have ${right.length} outcomes`);
  const result: C[] = [];
  left.forEach((item, i) => {
    const other = right[i];
    if (other !== undefined) result.push(join(item, other));
  });
  return result;
}
