import {
  brandValue,
  canonicalData,
  isEncoding,
  isErrorCode,
  isRecord,
  isTtl,
  isValidData,
  isVersionCondition,
  type DeleteOutcome,
  type Entry,
  type FetchOutcome,
  type ItemFailure,
  type Key,
  type QueryOutcome,
  type SetOutcome,
} from '@kvs/protocol';
import type { NodeStats } from '@kvs/router';
import { refusalFailure, withDoubt } from '../refusals.js';

/** A node's answer to a batch: a body to read, or a refusal of the whole batch. */
export type NodeAnswer = string | ItemFailure;

/**
 * Read a node's answers as outcomes, one for each item that was asked. What is not as the protocol has it becomes the
 * failure `node_error` of all items: nothing of such an answer is believed.
 */
export function readSetOutcomes(answer: NodeAnswer, count: number): SetOutcome[] {
  return readWrites(answer, count, 'versions', (version, index, body) => {
    const created: unknown = Array.isArray(body['created']) ? body['created'][index] : undefined;
    return isVersion(version) && typeof created === 'boolean' ? { ok: true, version, created } : undefined;
  });
}

export function readDeleteOutcomes(answer: NodeAnswer, count: number): DeleteOutcome[] {
  return readWrites(answer, count, 'deleted', (deleted) =>
    typeof deleted === 'boolean' ? { ok: true, deleted } : undefined,
  );
}

export function readFetchOutcomes(answer: NodeAnswer, keys: readonly Key[]): FetchOutcome[] {
  return readItems(answer, keys, (item) => {
    if (item['value'] === null) return { ok: true, entry: null };
    const entry = readEntry(item);
    return entry && { ok: true, entry };
  });
}

export function readQueryOutcomes(answer: NodeAnswer, keys: readonly Key[]): QueryOutcome[] {
  return readItems(answer, keys, ({ value }) =>
    typeof value === 'boolean' ? { ok: true, present: value } : undefined,
  );
}

/** Undefined for what is not the answer to `GET /stats`. */
export function readStats(body: string): NodeStats | undefined {
  const stats = parse(body);
  if (!isRecord(stats)) return undefined;
  const { engine, keys } = stats;
  const counted = typeof keys === 'number' && Number.isSafeInteger(keys) && keys >= 0;
  return typeof engine === 'string' && counted ? { engine, keys } : undefined;
}

/** A problem answers for the whole batch. */
export function readProblem(node: string, body: string): ItemFailure {
  const problem = parse(body);
  if (!isRecord(problem) || !isErrorCode(problem['code'])) return NONSENSE;
  return refusalFailure(node, problem['code'], String(problem['detail']));
}

const NONSENSE: ItemFailure = {
  ok: false,
  code: 'node_error',
  message: 'the storage node gave an answer that is not of the protocol',
};

/** Writes list an outcome per item, `null` for a failure, and the failures apart, in the same order. */
function readWrites<O extends { readonly ok: true }>(
  answer: NodeAnswer,
  count: number,
  property: 'versions' | 'deleted',
  read: (outcome: unknown, index: number, body: Readonly<Record<string, unknown>>) => O | undefined,
): (O | ItemFailure)[] {
  if (typeof answer !== 'string') return failAll(withDoubt(answer), count);
  const body = parse(answer);
  if (!isRecord(body)) return failAll(withDoubt(NONSENSE), count);
  const { [property]: outcomes, keys_failed: failures } = body;
  if (!Array.isArray(outcomes) || !Array.isArray(failures)) return failAll(withDoubt(NONSENSE), count);
  const remaining = failures.values();
  const result = outcomes.map((outcome: unknown, index) =>
    outcome === null ? readFailure(remaining.next().value) : read(outcome, index, body),
  );
  const whole = isWhole(result, count) && remaining.next().done;
  return whole ? result : failAll(withDoubt(NONSENSE), count);
}

function readItems<O extends { readonly ok: true }>(
  answer: NodeAnswer,
  keys: readonly Key[],
  read: (item: Readonly<Record<string, unknown>>) => O | undefined,
): (O | ItemFailure)[] {
  if (typeof answer !== 'string') return failAll(answer, keys.length);
  const body = parse(answer);
  if (!Array.isArray(body)) return failAll(NONSENSE, keys.length);
  const result = body.map((item: unknown, i): O | ItemFailure | undefined => {
    if (!isRecord(item) || !isSameKey(item['key'], keys[i])) return undefined;
    return item['error'] === undefined ? read(item) : readFailure(item['error']);
  });
  return isWhole(result, keys.length) ? result : failAll(NONSENSE, keys.length);
}

/** Whether there is an outcome for each of the items. */
function isWhole<T>(outcomes: readonly (T | undefined)[], count: number): outcomes is T[] {
  return outcomes.length === count && !outcomes.includes(undefined);
}

function isSameKey(answered: unknown, asked: Key | undefined): boolean {
  return isRecord(answered) && answered['data'] === asked?.data && answered['encoding'] === asked?.encoding;
}

function readFailure(failure: unknown): ItemFailure | undefined {
  if (!isRecord(failure)) return undefined;
  const { code, message, maybe_applied: maybeApplied } = failure;
  if (!isErrorCode(code) || typeof message !== 'string') return undefined;
  return { ok: false, code, message, ...(maybeApplied === true ? { maybeApplied } : undefined) };
}

function readEntry({ value, version, ttl_ms: ttlMs }: Readonly<Record<string, unknown>>): Entry | undefined {
  if (!isRecord(value) || !isVersion(version) || !(ttlMs === undefined || isTtl(ttlMs))) return undefined;
  const { encoding, data } = value;
  if (!isEncoding(encoding) || typeof data !== 'string' || !isValidData(encoding, data)) return undefined;
  const entry = { value: brandValue({ encoding, data: canonicalData(encoding, data) }), version };
  return ttlMs === undefined ? entry : { ...entry, ttlMs };
}

function isVersion(value: unknown): value is number {
  return isVersionCondition(value) && value > 0;
}

function failAll(failure: ItemFailure, count: number): ItemFailure[] {
  return new Array<ItemFailure>(count).fill(failure);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // what is not JSON is not an answer of the protocol either
  }
}
