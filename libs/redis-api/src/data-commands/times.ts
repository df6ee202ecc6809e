import { MAX_TTL_MS, type Entry } from '@kvs/protocol';
import { integer } from '../arguments.js';
import { RedisError } from '../reply.js';

/** How the time of an argument is meant. */
export interface TimeKind {
  /** Milliseconds to the unit. */
  readonly unit: 1 | 1000;
  /** Since the Unix epoch, not since now. */
  readonly isAbsolute: boolean;
}

/** From when on a pair is absent. The times may have passed already. */
export type Life = { readonly ttlMs: number } | { readonly expiresAtMs: number };

/** The options of SET and GETEX, and what they mean. */
export const TIME_OPTIONS: ReadonlyMap<string, TimeKind> = new Map([
  ['ex', { unit: 1000, isAbsolute: false }],
  ['px', { unit: 1, isAbsolute: false }],
  ['exat', { unit: 1000, isAbsolute: true }],
  ['pxat', { unit: 1, isAbsolute: true }],
]);

/**
 * Reads a time. One that is further away than kvs can tell becomes the furthest.
 *
 * @param name of the command, for errors
 * @throws RedisError if it is no integer, or beyond the range of Redis
 */
export function readLife(argument: Buffer, { unit, isAbsolute }: TimeKind, name: string): Life {
  const ms = BigInt(integer(argument)) * BigInt(unit);
  // Redis adds the time of its own clock.
  const max = isAbsolute ? MAX_INT64 : MAX_INT64 - BigInt(Date.now());
  if (ms > max || ms < MIN_INT64) throw invalidTime(name);
  const bounded = Math.max(-MAX_TTL_MS, Math.min(Number(ms), MAX_TTL_MS));
  return isAbsolute ? { expiresAtMs: bounded } : { ttlMs: bounded };
}

/**
 * As {@link readLife}, for commands that refuse 0 and negative times.
 *
 * @throws RedisError
 */
export function readPositiveLife(argument: Buffer, kind: TimeKind, name: string): Life {
  const life = readLife(argument, kind, name);
  if (hasPassed(life)) throw invalidTime(name);
  return life;
}

/**
 * Returns whether a time has passed by any clock. If only the store knows, a write with it does as well: the store then takes the
 * pair for absent at once.
 */
export function hasPassed(life: Life): boolean {
  return ('ttlMs' in life ? life.ttlMs : life.expiresAtMs) <= 0;
}

/** Returns by how many milliseconds `life` is longer than that of the pair; -Infinity if the pair does not expire. */
export function extraMs(life: Life, entry: Entry): number {
  if (entry.ttlMs === undefined || entry.expiresAtMs === undefined) return -Infinity;
  return 'ttlMs' in life ? life.ttlMs - entry.ttlMs : life.expiresAtMs - entry.expiresAtMs;
}

function invalidTime(name: string): RedisError {
  return new RedisError('ERR', `invalid expire time in '${name}' command`);
}

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
