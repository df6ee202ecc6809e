import {
  canonicalAddress,
  httpOrigin,
  isLabel,
  isNodeId,
  isRecord,
  isWeight,
  KvsError,
  MAX_WEIGHT,
  MIN_WEIGHT,
} from '@kvs/protocol';
import type { BootId } from './topology.js';

/* Checked reading of JSON that another process or another version wrote. Each function throws `invalid_shape`. */

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown, name: string): Fields {
  if (!isRecord(value)) throw invalid(`${name} is not an object`);
  return value;
}

export function list(fields: Fields, field: string): readonly unknown[] {
  const value = fields[field];
  if (!Array.isArray(value)) throw invalid(`${field} is not a list`);
  return value;
}

export function text(fields: Fields, field: string): string {
  const value = fields[field];
  if (typeof value !== 'string') throw invalid(`${field} is not a text`);
  return value;
}

/** Returns a field that may be absent; undefined if it is. */
export function optional<T>(
  fields: Fields,
  field: string,
  read: (fields: Fields, field: string) => T,
): T | undefined {
  return fields[field] === undefined ? undefined : read(fields, field);
}

/** Returns a text that is short and fits in a line. It may be empty. */
export function label(fields: Fields, field: string): string {
  const value = text(fields, field);
  if (!isLabel(value)) throw invalid(`${field} is too long, or has characters that cannot be printed`);
  return value;
}

/** Returns a {@link label} that is not empty. */
export function name(fields: Fields, field: string): string {
  const value = label(fields, field);
  if (value === '') throw invalid(`${field} is empty`);
  return value;
}

export function nodeId(fields: Fields, field: string): string {
  const value = text(fields, field);
  if (!isNodeId(value)) throw invalid(`${field} is not the id of a node`);
  return value;
}

/** Returns the usual spelling of a node's address. */
export function address(fields: Fields, field: string): string {
  const value = canonicalAddress(text(fields, field));
  if (value === undefined) throw invalid(`${field} is not host:port`);
  return value;
}

/** Returns the origin of a server's URL. */
export function origin(fields: Fields, field: string): string {
  const value = httpOrigin(text(fields, field));
  if (value === undefined) throw invalid(`${field} is not the URL of a server`);
  return value;
}

export function flag(fields: Fields, field: string): boolean {
  const value = fields[field];
  if (typeof value !== 'boolean') throw invalid(`${field} is neither true nor false`);
  return value;
}

export function positive(fields: Fields, field: string): number {
  const value = fields[field];
  // JSON.parse makes Infinity of 1e400, and JSON.stringify writes it as null.
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw invalid(`${field} is not a number above 0`);
  return value;
}

/** Returns the weight of a node. */
export function weight(fields: Fields, field: string): number {
  const value = fields[field];
  if (typeof value !== 'number' || !isWeight(value))
    throw invalid(`${field} is not a number from ${MIN_WEIGHT} to ${MAX_WEIGHT}`);
  return value;
}

export function integer(fields: Fields, field: string, min: number, max?: number): number {
  const value = fields[field];
  const range = max === undefined ? `of at least ${min}` : `from ${min} to ${max}`;
  if (!isInteger(value, min, max)) throw invalid(`${field} is not a whole number ${range}`);
  return value;
}

export function isInteger(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
}

export function bootId(fields: Fields, field: string): BootId {
  return bootIdOf(fields[field]);
}

export function bootIdOf(value: unknown): BootId {
  if (!isBootId(value) || !isLabel(value)) throw invalid('a boot id is not a short text');
  return value;
}

/** Returns whether a value can be a boot id: a text that is not empty. */
export function isBootId(value: unknown): value is BootId {
  return typeof value === 'string' && value !== '';
}

/** Returns a value that is not valid as the message of an error shows it. `String` would throw for some objects. */
export function excerptOf(value: unknown): string {
  const isPlain = typeof value === 'string' || typeof value === 'number';
  return isPlain ? String(value).slice(0, MAX_SHOWN_LENGTH) : `(${typeof value})`;
}

export function invalid(reason: string): KvsError {
  return new KvsError('invalid_shape', reason);
}

const MAX_SHOWN_LENGTH = 100;
