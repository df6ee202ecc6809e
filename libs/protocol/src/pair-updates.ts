import { addIntegers, parseInteger, type Integer } from './integer.js';
import { stringValue, type Key } from './key.js';
import type { Entry, ItemFailure } from './operations.js';
import { lifeOf, type Change } from './update.js';

/** A new time to live for one pair. */
export interface TouchItem {
  readonly key: Key;
  /** In milliseconds; null means that the pair does not expire. */
  readonly ttlMs: number | null;
  /** Only if the pair has this version. 0 never matches a present pair. */
  readonly ifVersion?: number;
}

/** A number to be added to the integer that a pair has as its value. */
export interface IncrementItem {
  readonly key: Key;
  readonly by: Integer;
  /** The integer that an absent key counts as. */
  readonly initial: Integer;
  /** The time to live of a pair that is created, in milliseconds. A present pair keeps its own. */
  readonly ttlMs?: number;
}

/** Whether there was a pair to touch. */
export type TouchOutcome = { readonly ok: true; readonly touched: boolean } | ItemFailure;
/** The value after the increment. */
export type IncrementOutcome = { readonly ok: true; readonly value: Integer } | ItemFailure;

/** Returns what a touch makes of the present pair. An absent key is not touched. */
export function touched({ ttlMs, ifVersion }: TouchItem, entry: Entry | null): Change<TouchOutcome> {
  const version = entry?.version ?? 0;
  if (ifVersion !== undefined && ifVersion !== version)
    return fails('version_mismatch', version === 0 ? 'the key is absent' : `the version is ${version}`);
  if (entry === null) return { kind: 'keep', result: { ok: true, touched: false } };
  const life = ttlMs === null ? undefined : { ttlMs };
  return { kind: 'write', value: entry.value, ...life, result: { ok: true, touched: true } };
}

/** Returns what an increment makes of the present pair. */
export function incremented(
  { by, initial, ttlMs }: IncrementItem,
  entry: Entry | null,
): Change<IncrementOutcome> {
  const { encoding, data } = entry?.value ?? { encoding: 'string', data: String(initial) };
  const present = encoding === 'string' ? parseInteger(data) : undefined;
  if (present === undefined) return fails('not_an_integer', 'the value is no integer of 64 bits');
  const value = addIntegers(present, by);
  if (value === undefined) return fails('integer_overflow', `${present} and ${by} exceed 64 bits`);
  const life = entry === null ? ttlMs !== undefined && { ttlMs } : lifeOf(entry);
  return { kind: 'write', value: stringValue(String(value)), ...life, result: { ok: true, value } };
}

function fails(code: ItemFailure['code'], message: string): Change<ItemFailure> {
  return { kind: 'keep', result: { ok: false, code, message } };
}
