import { byteLength, canonicalData, isEncoding, isValidData, type EncodedData } from './encoding.js';
import { parseInteger, type Integer } from './integer.js';
import { brandKey, brandValue, type Key, type Value } from './key.js';
import type { Limits } from './limits.js';
import type { DeleteItem, SetItem } from './operations.js';
import type { IncrementItem, TouchItem } from './pair-updates.js';

/** Reads one item of a batch; returns `undefined` if it is not valid. */
export type ItemGuard<T> = (item: unknown, limits: Limits) => T | undefined;

/** The largest `ttl_ms`: about 31,000 years, so that the time of expiry is an exact integer. */
export const MAX_TTL_MS = 1e15;

/**
 * Guards decide whether an item is valid, and return it typed and in canonical form. They are fast and give no
 * reasons. The DTO classes say what is wrong with an item that a guard refuses. A property test proves that both
 * decide the same.
 */
export const guardSetItem: ItemGuard<SetItem> = (item, limits) => {
  if (!isRecord(item) || !hasOnly(item, SET_PROPERTIES)) return undefined;
  const key = guardKey(item['key'], limits);
  if (key === undefined) return undefined;
  const value = guardValue(item['value'], limits);
  if (value === undefined) return undefined;
  const ttlMs = item['ttl_ms'];
  if (ttlMs !== undefined && !isTtl(ttlMs)) return undefined;
  const ifVersion = item['if_version'];
  if (ifVersion !== undefined && !isVersionCondition(ifVersion)) return undefined;
  // Most items have no options, and spreading costs more than everything else here.
  if (ttlMs === undefined) return ifVersion === undefined ? { key, value } : { key, value, ifVersion };
  return ifVersion === undefined ? { key, value, ttlMs } : { key, value, ttlMs, ifVersion };
};

/** Reads a key to read: `E` or `{"key":E}`. */
export const guardKeyItem: ItemGuard<Key> = (item, limits) => {
  if (!isRecord(item)) return undefined;
  if (!Object.hasOwn(item, 'key')) return guardKey(item, limits);
  return hasOnly(item, KEY_PROPERTIES) ? guardKey(item['key'], limits) : undefined;
};

/** Reads a key to delete: `E`, or `{"key":E}` with or without `if_version`. */
export const guardDeleteItem: ItemGuard<DeleteItem> = (item, limits) => {
  if (!isRecord(item)) return undefined;
  const nested = Object.hasOwn(item, 'key');
  if (nested && !hasOnly(item, DELETE_PROPERTIES)) return undefined;
  const key = guardKey(nested ? item['key'] : item, limits);
  if (key === undefined) return undefined;
  const ifVersion = nested ? item['if_version'] : undefined;
  if (ifVersion === undefined) return { key };
  return isVersionCondition(ifVersion) ? { key, ifVersion } : undefined;
};

/** Reads `{"key":E, "ttl_ms":n or null}`, with or without `if_version`. */
export const guardTouchItem: ItemGuard<TouchItem> = (item, limits) => {
  if (!isRecord(item) || !hasOnly(item, TOUCH_PROPERTIES)) return undefined;
  const key = guardKey(item['key'], limits);
  const ttlMs = item['ttl_ms'];
  const ifVersion = item['if_version'];
  if (key === undefined || (ttlMs !== null && !isTtl(ttlMs))) return undefined;
  if (ifVersion === undefined) return { key, ttlMs };
  return isVersionCondition(ifVersion) ? { key, ttlMs, ifVersion } : undefined;
};

/** Reads `{"key":E, "by":integer}`, with or without `initial` and `ttl_ms`. */
export const guardIncrementItem: ItemGuard<IncrementItem> = (item, limits) => {
  if (!isRecord(item) || !hasOnly(item, INCREMENT_PROPERTIES)) return undefined;
  const key = guardKey(item['key'], limits);
  const by = readInteger(item['by']);
  const initial = item['initial'] === undefined ? 0 : readInteger(item['initial']);
  const ttlMs = item['ttl_ms'];
  if (key === undefined || by === undefined || initial === undefined) return undefined;
  if (ttlMs === undefined) return { key, by, initial };
  return isTtl(ttlMs) ? { key, by, initial, ttlMs } : undefined;
};

/** Returns an integer of 64 bits that is a number, or a decimal text, which can be exact beyond 2⁵³. */
export function readInteger(value: unknown): Integer | undefined {
  if (typeof value === 'string') return parseInteger(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** Checks a key and returns it in canonical form; undefined if it is not valid. */
export const guardKey: ItemGuard<Key> = (item, limits) => {
  const data = guardData(item, limits.maxKeyBytes);
  return data === undefined || data.data === '' ? undefined : brandKey(data);
};

/** Checks a value and returns it in canonical form; undefined if it is not valid. */
export const guardValue: ItemGuard<Value> = (item, limits) => {
  const data = guardData(item, limits.maxValueBytes);
  return data === undefined ? undefined : brandValue(data);
};

/** Whether this can be a time to live. */
export function isTtl(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_TTL_MS;
}

/** Whether this can be an `if_version`. */
export function isVersionCondition(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Whether this is an object whose fields can be read. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const DATA_PROPERTIES = new Set(['encoding', 'data']);
const SET_PROPERTIES = new Set(['key', 'value', 'ttl_ms', 'if_version']);
const KEY_PROPERTIES = new Set(['key']);
const TOUCH_PROPERTIES = new Set(['key', 'ttl_ms', 'if_version']);
const INCREMENT_PROPERTIES = new Set(['key', 'by', 'initial', 'ttl_ms']);
const DELETE_PROPERTIES = new Set(['key', 'if_version']);

function guardData(item: unknown, maxBytes: number): EncodedData | undefined {
  if (!isRecord(item) || !hasOnly(item, DATA_PROPERTIES)) return undefined;
  if (!isEncoded(item) || !isValidData(item.encoding, item.data)) return undefined;
  // A UTF-16 unit has at most three bytes, so short data need not be counted.
  if (item.data.length * 3 > maxBytes && byteLength(item) > maxBytes) return undefined;
  const data = canonicalData(item.encoding, item.data);
  // Most data is canonical already. Returning the same object saves a copy.
  return data === item.data ? item : { encoding: item.encoding, data };
}

function isEncoded(item: { readonly encoding?: unknown; readonly data?: unknown }): item is EncodedData {
  return isEncoding(item.encoding) && typeof item.data === 'string';
}

/** Accepts inherited properties too: the objects come from `JSON.parse`, which makes none. */
function hasOnly(item: object, known: ReadonlySet<string>): boolean {
  for (const property in item) if (!known.has(property)) return false;
  return true;
}
