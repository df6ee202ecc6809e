import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { byteLength } from '../encoding.js';
import { isErrorCode, type ErrorCode } from '../errors.js';
import { isRecord } from '../guard.js';
import type { Limits } from '../limits.js';
import type { ValidationIssue } from '../problem.js';
import { DeleteItemDto, KeyDto, KeyItemDto, SetItemDto } from './dto.js';

/** Says what is wrong with one item of a batch; nothing when it is valid. */
export type ItemExplainer = (item: unknown, pointer: string, limits: Limits) => ValidationIssue[];

export const explainSetItem: ItemExplainer = (item, pointer, limits) =>
  explain(SetItemDto, item, pointer, limits);

export const explainKeyItem: ItemExplainer = (item, pointer, limits) =>
  explain(hasKey(item) ? KeyItemDto : KeyDto, item, pointer, limits);

export const explainDeleteItem: ItemExplainer = (item, pointer, limits) =>
  explain(hasKey(item) ? DeleteItemDto : KeyDto, item, pointer, limits);

/** An item, and the key and the value in it. */
const SCHEMA_DEPTH = 2;

type ItemDto = KeyDto | KeyItemDto | DeleteItemDto | SetItemDto;

function explain(dto: new () => ItemDto, item: unknown, pointer: string, limits: Limits): ValidationIssue[] {
  if (!isRecord(item)) return [{ pointer, code: 'invalid_shape', detail: 'an item must be an object' }];
  const reserved = reservedProperties(item, pointer, SCHEMA_DEPTH);
  if (reserved.length > 0) return reserved;
  const instance = plainToInstance(dto, flatten(item, SCHEMA_DEPTH));
  const errors = validateSync(instance, { whitelist: true, forbidNonWhitelisted: true });
  if (errors.length > 0) return inOrderOf(item, errors).flatMap((error) => issuesOf(error, pointer));
  return sizeIssues(instance, pointer, limits);
}

function hasKey(item: unknown): boolean {
  return isRecord(item) && Object.hasOwn(item, 'key');
}

/** class-transformer passes over these two names, so that they would go unseen. */
function reservedProperties(item: object, pointer: string, depth: number): ValidationIssue[] {
  return Object.entries(item).flatMap(([property, value]: [string, unknown]) => {
    const place = `${pointer}/${escapeToken(property)}`;
    if (property === '__proto__' || property === 'constructor') return [unknownProperty(place, property)];
    return depth > 1 && isRecord(value) ? reservedProperties(value, place, depth - 1) : [];
  });
}

/**
 * A copy that keeps objects only as deep as the schema has them. What lies deeper is wrong whatever it holds, and
 * class-transformer would follow it down until the stack ends.
 */
function flatten(item: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).map(([property, value]) => {
      if (typeof value !== 'object' || value === null) return [property, value];
      return [property, isRecord(value) && depth > 1 ? flatten(value, depth - 1) : []];
    }),
  );
}

/** class-validator goes by its classes; a reader goes by the body. What is missing there comes last. */
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
  // One place, one issue: the rule that was declared first is the most basic one.
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
