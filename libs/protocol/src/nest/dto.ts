import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  IsDefined,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsString,
  Max,
  Min,
  Validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
  type ValidationArguments,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { isEncoding, isValidData, type Encoding } from '../encoding.js';
import type { ErrorCode } from '../errors.js';
import { MAX_TTL_MS, readInteger } from '../guard.js';

/**
 * The encoding schema as classes. They explain a refused body: each rule names the error code of its failure. `described-dto.ts`
 * describes them.
 */

function fails(code: ErrorCode, message: string): { message: string; context: { code: ErrorCode } } {
  return { message, context: { code } };
}

@ValidatorConstraint({ name: 'isValidInItsEncoding' })
class IsValidInItsEncoding implements ValidatorConstraintInterface {
  validate(data: unknown, { object }: ValidationArguments): boolean {
    const encoding: unknown = Reflect.get(object, 'encoding');
    // Another rule reports an unknown encoding or data that is not text.
    return !isEncoding(encoding) || typeof data !== 'string' || isValidData(encoding, data);
  }
}

@ValidatorConstraint({ name: 'isIntegerOf64Bits' })
class IsIntegerOf64Bits implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return readInteger(value) !== undefined;
  }
}

export class ValueDto {
  @IsKnownEncoding()
  encoding!: Encoding;

  @IsEncodedText()
  data!: string;
}

/** Not a subclass, because class-validator would let the rules of `data` here replace the inherited rules. */
export class KeyDto {
  @IsKnownEncoding()
  encoding!: Encoding;

  @IsEncodedText()
  @IsNotEmpty(fails('empty_key', 'a key has at least one byte'))
  data!: string;
}

/** The common part of `{"key":E}` items. */
export class KeyItemDto {
  @IsDefined(fails('invalid_shape', 'key is missing'))
  @IsObject(fails('invalid_shape', 'key must be an object with encoding and data'))
  @ValidateNested(fails('invalid_shape', 'key must be an object with encoding and data'))
  @Type(() => KeyDto)
  key!: KeyDto;
}

export class DeleteItemDto extends KeyItemDto {
  @IfPresent()
  @IsInt(fails('invalid_version', 'if_version must be a whole number'))
  @Min(0, fails('invalid_version', 'if_version must not be negative'))
  @Max(Number.MAX_SAFE_INTEGER, fails('invalid_version', 'if_version must be at most 9007199254740991'))
  if_version?: number;
}

export class TouchItemDto extends DeleteItemDto {
  @ValidateIf((_item: object, value: unknown) => value !== null)
  @IsTimeToLive()
  ttl_ms!: number | null;
}

export class IncrementItemDto extends KeyItemDto {
  @IsInteger()
  by!: number | string;

  @IfPresent()
  @IsInteger()
  initial?: number | string;

  @IfPresent()
  @IsTimeToLive()
  ttl_ms?: number;
}

export class SetItemDto extends DeleteItemDto {
  @IsDefined(fails('invalid_shape', 'value is missing'))
  @IsObject(fails('invalid_shape', 'value must be an object with encoding and data'))
  @ValidateNested(fails('invalid_shape', 'value must be an object with encoding and data'))
  @Type(() => ValueDto)
  value!: ValueDto;

  @IfPresent()
  @IsTimeToLive()
  ttl_ms?: number;
}

function IsTimeToLive(): PropertyDecorator {
  return applyDecorators(
    IsInt(fails('invalid_ttl', 'ttl_ms must be a whole number of milliseconds')),
    Min(1, fails('invalid_ttl', 'ttl_ms must be at least 1')),
    Max(MAX_TTL_MS, fails('invalid_ttl', `ttl_ms must be at most ${MAX_TTL_MS}`)),
  );
}

function IsInteger(): PropertyDecorator {
  return Validate(IsIntegerOf64Bits, fails('invalid_integer', 'must be an integer of 64 bits'));
}

function IsKnownEncoding(): PropertyDecorator {
  return IsIn(['string', 'binary'], fails('invalid_encoding', 'encoding must be "string" or "binary"'));
}

function IsEncodedText(): PropertyDecorator {
  return applyDecorators(
    IsString(fails('invalid_shape', 'data must be a string')),
    Validate(
      IsValidInItsEncoding,
      fails(
        'invalid_data',
        'data must be well-formed Unicode for "string", an even number of hexadecimal digits for "binary"',
      ),
    ),
  );
}

/** Unlike class-validator's IsOptional, this does not treat `null` as absent. */
function IfPresent(): PropertyDecorator {
  return ValidateIf((_item: object, value: unknown) => value !== undefined);
}
