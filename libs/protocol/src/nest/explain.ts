import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { byteLength } from '../encoding.js';
import { isErrorCode, type ErrorCode } from '../errors.js';
import { isRecord } from '../guard.js';
import type { Limits } from '../limits.js';
import { MAX_LISTED_ISSUES, type ValidationIssue } from '../problem.js';
import { DeleteItemDto, IncrementItemDto, KeyDto, KeyItemDto, SetItemDto, TouchItemDto } from './dto.js';

/**
 * Returns what is wrong with one item of a batch, at most {@link MAX_LISTED_ISSUES} places; an empty list if it is
 * valid.
 */
type ItemExplainer = (item: unknown, pointer: string, limits: Limits) => ValidationIssue[];

export const explainSetItem: ItemExplainer = (item, pointer, limits) =>
  explain(SetItemDto, item, pointer, limits);

export const explainKeyItem: ItemExplainer = (item, pointer, limits) =>
  explain(hasKey(item) ? KeyItemDto : KeyDto, item, pointer, limits);

export const explainTouchItem: ItemExplainer = (item, pointer, limits) =>
  explain(TouchItemDto, item, pointer, limits);

export const explainIncrementItem: ItemExplainer = (item, pointer, limits) =>
  explain(IncrementItemDto, item, pointer, limits);

export const explainDeleteItem: ItemExplainer = (item, pointer, limits) =>
  explain(hasKey(item) ? DeleteItemDto : KeyDto, item, pointer, limits);

/** The depth of an item with the key and the value in it. */
const SCHEMA_DEPTH = 2;

/** Objects of the schema have at most 4 properties. Of this many properties, enough are unknown to fill the list. */
const MAX_EXPLAINED_PROPERTIES = MAX_LISTED_ISSUES + 4;

type ItemDto = KeyDto | KeyItemDto | DeleteItemDto | SetItemDto | TouchItemDto | IncrementItemDto;

function explain(dto: new () => ItemDto, item: unknown, pointer: string, limits: Limits): ValidationIssue[] {
  if (!isRecord(item)) return [{ pointer, code: 'invalid_shape', detail: 'an item must be an object' }];
  const excerpt = excerptOf(item, SCHEMA_DEPTH);
  const reserved = reservedProperties(excerpt, pointer);
  if (reserved.length > 0) return reserved;
  const instance = plainToInstance(dto, excerpt);
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true });
  if (errors.length > 0) {
    const issues = inOrderOf(excerpt, errors).flatMap((error) => issuesOf(error, pointer));
    return issues.slice(0, MAX_LISTED_ISSUES);
  }
  return sizeIssues(instance, pointer, limits);
}

function hasKey(item: unknown): boolean {
  return isRecord(item) && Object.hasOwn(item, 'key');
}

/**
 * Copies the part of an item that is needed to explain it. Objects deeper than the schema's are invalid in any case,
 * and class-transformer would follow them until the stack overflows. The first properties of an object fill the list
 * of issues, and class-validator takes long for thousands of them.
 */
function excerptOf(item: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const properties = Object.keys(item).slice(0, MAX_EXPLAINED_PROPERTIES);
  return Object.fromEntries(
    properties.map((property) => {
      const value = item[property];
      if (typeof value !== 'object' || value === null) return [property, value];
      return [property, isRecord(value) && depth > 1 ? excerptOf(value, depth - 1) : []];
    }),
  );
}

/** class-transformer ignores these two names, so they would not be reported. */
function reservedProperties(excerpt: object, pointer: string): ValidationIssue[] {
  return Object.entries(excerpt).flatMap(([property, value]: [string, unknown]) => {
    const place = `${pointer}/${escapeToken(property)}`;
    if (property === '__proto__' || property === 'constructor') return [unknownProperty(place, property)];
    return isRecord(value) ? reservedProperties(value, place) : [];
  });
}

/** Orders issues as the body does, rather than by the classes. Missing properties come last. */
function inOrderOf(item: object, errors: readonly ValidationError[]): ValidationError[] {
  const properties = Object.keys(item);
  const place = ({ property }: ValidationError): number => {
    const index = properties.indexOf(property);
    return index === -1 ? properties.length : index;
  };
  return [...errors].sort((a, b) => place(a) - place(b));
}

function issuesOf(error: ValidationError, parent: string): ValidationIssue[] {
  const pointer = `${parent}/${escapeToken(error.property)}`;
  if (error.children && error.children.length > 0) {
    return error.children.flatMap((child) => issuesOf(child, pointer));
  }
  // One issue for each place: the rule that was declared first is the most basic one.
  const [rule, detail] = Object.entries(error.constraints ?? {}).at(-1) ?? ['', 'is not valid'];
  if (rule === 'whitelistValidation') return [unknownProperty(pointer, error.property)];
  const context: unknown = error.contexts?.[rule];
  const code = isRecord(context) && isErrorCode(context['code']) ? context['code'] : 'invalid_shape';
  return [{ pointer, code, detail }];
}

function sizeIssues(item: ItemDto, pointer: string, limits: Limits): ValidationIssue[] {
  if (!('key' in item)) return tooLong(item, pointer, 'key_too_long', limits.maxKeyBytes);
  return [
    ...tooLong(item.key, `${pointer}/key`, 'key_too_long', limits.maxKeyBytes),
    ...('value' in item
      ? tooLong(item.value, `${pointer}/value`, 'value_too_large', limits.maxValueBytes)
      : []),
  ];
}

function tooLong(data: KeyDto, pointer: string, code: ErrorCode, maxBytes: number): ValidationIssue[] {
  const bytes = byteLength(data);
  if (bytes <= maxBytes) return [];
  return [
    { pointer: `${pointer}/data`, code, detail: `has ${bytes} bytes, at most ${maxBytes} are allowed` },
  ];
}

function unknownProperty(pointer: string, property: string): ValidationIssue {
  return {
    pointer,
    code: 'unknown_property',
    detail: `property ${JSON.stringify(property.slice(0, 100))} is not known`,
  };
}

/** RFC 6901, section 3. */
function escapeToken(token: string): string {
  return token.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1');
}
