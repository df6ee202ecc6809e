import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MAX_TTL_MS } from '../guard.js';
import {
  DeleteItemDto,
  IncrementItemDto,
  KeyDto,
  KeyItemDto,
  SetItemDto,
  TouchItemDto,
  ValueDto,
} from './dto.js';

/** The DTO classes with their descriptions for OpenAPI documents. Apart from the classes, because swagger takes long to load. */

export * from './dto.js';

const ENCODED = {
  encoding: ApiProperty({ enum: ['string', 'binary'], description: 'How to read `data`' }),
  data: ApiProperty({
    description: 'Well-formed Unicode for `string`; an even number of hexadecimal digits for `binary`',
    example: 'hello',
  }),
};
const TTL = { type: 'integer', minimum: 1, maximum: MAX_TTL_MS } as const;

describe(ValueDto, ENCODED);
describe(KeyDto, ENCODED);
describe(KeyItemDto, { key: ApiProperty({ type: KeyDto }) });
describe(DeleteItemDto, {
  if_version: ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    description: 'Only if the version is this one; 0 means only if the key is absent',
  }),
});
describe(TouchItemDto, {
  ttl_ms: ApiProperty({
    ...TTL,
    nullable: true,
    description: 'New time to live in milliseconds; with null the pair stays',
  }),
});
describe(IncrementItemDto, {
  by: integer('What to add'),
  initial: integer('What an absent key counts as, by default 0'),
  ttl_ms: ApiPropertyOptional({
    ...TTL,
    description: 'Time to live in milliseconds of a pair that is created',
  }),
});
describe(SetItemDto, {
  value: ApiProperty({ type: ValueDto }),
  ttl_ms: ApiPropertyOptional({
    ...TTL,
    description: 'Time to live in milliseconds; without it the pair stays',
  }),
});

function integer(description: string): PropertyDecorator {
  return ApiProperty({
    oneOf: [{ type: 'integer' }, { type: 'string', pattern: '^(0|-?[1-9][0-9]*)$' }],
    description: `${description}: an integer of 64 bits, as a text beyond 2⁵³`,
  });
}

/** Subclasses come after their base class, because they inherit its properties. */
function describe<T extends object>(
  dto: new () => T,
  properties: Readonly<Partial<Record<keyof T, PropertyDecorator>>>,
): void {
  for (const [name, decorate] of Object.entries<PropertyDecorator | undefined>(properties))
    decorate?.(dto.prototype, name);
}
