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

/** One item of `PUT /set`. */
export interface WireSetItem {
  readonly key: EncodedData;
  readonly value: EncodedData;
  readonly ttl_ms?: number;
  readonly if_version?: number;
}

export interface WireFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** For a write whose answer was lost: it may have been applied. */
  readonly maybe_applied?: true;
}

export interface WireKeyFailure extends WireFailure {
  readonly key: EncodedData;
}

/** `PUT /set`; `versions` with `?meta=true`: one per item, `null` for a failed one. */
export interface WireSetAnswer {
  readonly keys_added: number;
  readonly keys_failed: readonly WireKeyFailure[];
  readonly versions?: readonly (number | null)[];
}

/** `POST /delete`; `deleted` with `?meta=true`: one per item, `null` for a failed one. */
export interface WireDeleteAnswer {
  readonly keys_deleted: number;
  readonly keys_failed: readonly WireKeyFailure[];
  readonly deleted?: readonly (boolean | null)[];
}

/** One item of the answers to `GET` and `POST /fetch`; `version` and `ttl_ms` with `?meta=true`. */
export interface WirePair {
  readonly key: EncodedData;
  readonly value: EncodedData | null;
  readonly version?: number;
  readonly ttl_ms?: number;
  readonly error?: WireFailure;
}

/** One item of the answer to `POST /query`; `null` with an `error` when it is not known. */
export interface WirePresence {
  readonly key: EncodedData;
  readonly value: boolean | null;
  readonly error?: WireFailure;
}

/** An answer's body with the status that its outcomes add up to. */
export interface WireAnswer<T> {
  readonly status: number;
  readonly body: T;
}

export function setAnswer(
  items: readonly SetItem[],
  outcomes: readonly SetOutcome[],
  meta: boolean,
): WireAnswer<WireSetAnswer> {
  const versions = outcomes.map((outcome) => (outcome.ok ? outcome.version : null));
  const { status, added, failed } = tally(items, outcomes, () => true);
  return { status, body: { keys_added: added, keys_failed: failed, ...(meta ? { versions } : undefined) } };
}

export function deleteAnswer(
  items: readonly DeleteItem[],
  outcomes: readonly DeleteOutcome[],
  meta: boolean,
): WireAnswer<WireDeleteAnswer> {
  const deleted = outcomes.map((outcome) => (outcome.ok ? outcome.deleted : null));
  const { status, added, failed } = tally(items, outcomes, (outcome) => outcome.deleted);
  return { status, body: { keys_deleted: added, keys_failed: failed, ...(meta ? { deleted } : undefined) } };
}

export function fetchAnswer(
  keys: readonly Key[],
  outcomes: readonly FetchOutcome[],
  meta: boolean,
): WireAnswer<WirePair[]> {
  const body = zip(keys, outcomes, (key, outcome): WirePair => {
    if (!outcome.ok) return { key, value: null, error: wireFailure(outcome) };
    if (outcome.entry === null) return { key, value: null };
    const { value, version, ttlMs } = outcome.entry;
    return {
      key,
      value,
      ...(meta ? { version } : undefined),
      ...(meta && ttlMs !== undefined ? { ttl_ms: ttlMs } : undefined),
    };
  });
  return { status: batchStatus(outcomes), body };
}

export function queryAnswer(
  keys: readonly Key[],
  outcomes: readonly QueryOutcome[],
): WireAnswer<WirePresence[]> {
  const body = zip(keys, outcomes, (key, outcome): WirePresence =>
    outcome.ok ? { key, value: outcome.present } : { key, value: null, error: wireFailure(outcome) },
  );
  return { status: batchStatus(outcomes), body };
}

type Outcome = { readonly ok: true } | ItemFailure;

/** 200 when all is done, 207 when some is, and the reason's own status when all failed for one reason. */
export function batchStatus(outcomes: readonly Outcome[]): number {
  const codes = new Set<ErrorCode>();
  let failures = 0;
  for (const outcome of outcomes) {
    if (outcome.ok) continue;
    failures++;
    codes.add(outcome.code);
  }
  if (failures === 0) return 200;
  const [code] = codes;
  return failures === outcomes.length && codes.size === 1 && code !== undefined
    ? ERROR_CODES[code].status
    : 207;
}

function tally<T extends { readonly ok: true }>(
  items: readonly { readonly key: Key }[],
  outcomes: readonly (T | ItemFailure)[],
  counts: (outcome: T) => boolean,
): { status: number; added: number; failed: WireKeyFailure[] } {
  let added = 0;
  const failed: WireKeyFailure[] = [];
  zip(items, outcomes, ({ key }, outcome) => {
    if (!outcome.ok) failed.push({ key, ...wireFailure(outcome) });
    else if (counts(outcome)) added++;
  });
  return { status: batchStatus(outcomes), added, failed };
}

function wireFailure({ code, message, maybeApplied }: ItemFailure): WireFailure {
  return { code, message, ...(maybeApplied ? { maybe_applied: true } : undefined) };
}

function zip<A, B, C>(left: readonly A[], right: readonly B[], join: (a: A, b: B) => C): C[] {
  if (left.length !== right.length) throw new TypeError(`${left.length} items have ${right.length} outcomes`);
  const result: C[] = [];
  const others = right[Symbol.iterator]();
  for (const item of left) {
    const other = others.next();
    if (!other.done) result.push(join(item, other.value));
  }
  return result;
}
