import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiQuery, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { ERROR_CODES } from '../errors.js';
import { PROBLEM_MEDIA_TYPE } from '../problem.js';
import {
  DeleteItemDto,
  IncrementItemDto,
  KeyDto,
  KeyItemDto,
  SetItemDto,
  TouchItemDto,
  ValueDto,
} from './described-dto.js';

export * from './described-dto.js';

/** Decorators that describe the data operations in OpenAPI documents, and the DTO classes that they show. */

/** Describes the body of `PUT /set`. */
export function ApiSetBody(): MethodDecorator {
  return describe([SetItemDto], { key: HELLO, value: { encoding: 'string', data: 'world' } });
}

/** Describes the body of `POST /fetch` and `POST /query`. */
export function ApiKeysBody(): MethodDecorator {
  return describe([KeyDto, KeyItemDto], HELLO);
}

/** Describes the body of `POST /delete`. */
export function ApiDeleteBody(): MethodDecorator {
  return describe([KeyDto, DeleteItemDto], HELLO);
}

/** Describes the body of `POST /touch`. */
export function ApiTouchBody(): MethodDecorator {
  return describe([TouchItemDto], { key: HELLO, ttl_ms: 3_600_000 });
}

/** Describes the body of `POST /increment`. */
export function ApiIncrementBody(): MethodDecorator {
  return describe([IncrementItemDto], { key: { encoding: 'string', data: 'visits' }, by: 1 });
}

/** The answer to a write: how many items were done, and why the others failed. */
export function ApiWriteAnswer(counter: keyof typeof META_PROPERTIES): MethodDecorator {
  return ApiBatchAnswers({
    type: 'object',
    required: [counter, 'keys_failed'],
    properties: {
      [counter]: { type: 'integer', minimum: 0 },
      keys_failed: {
        type: 'array',
        items: { type: 'object', properties: { key: reference(KeyDto), ...FAILURE_PROPERTIES } },
      },
      ...META_PROPERTIES[counter],
    },
  });
}

/** The answer to increments: one sum for each item, in order. */
export function ApiSumsAnswer(): MethodDecorator {
  return ApiValuesAnswer({ oneOf: [{ type: 'integer' }, { type: 'string' }, NULL] });
}

/** The answer to a read: one item for each requested key, in order. */
export function ApiPairsAnswer(value: 'value' | 'presence'): MethodDecorator {
  if (value === 'presence') return ApiValuesAnswer({ type: 'boolean', nullable: true });
  const meta = { version: { type: 'integer' }, ttl_ms: { type: 'integer' } };
  return ApiValuesAnswer({ oneOf: [reference(ValueDto), NULL] }, meta);
}

/** @param more the properties of an item besides its key, its value and its error */
function ApiValuesAnswer(
  value: NonNullable<Schema>,
  more: Readonly<Record<string, NonNullable<Schema>>> = {},
): MethodDecorator {
  return ApiBatchAnswers({
    type: 'array',
    items: {
      type: 'object',
      required: ['key', 'value'],
      properties: {
        key: reference(KeyDto),
        value,
        ...more,
        error: { type: 'object', properties: FAILURE_PROPERTIES },
      },
    },
  });
}

export function ApiMeta(): MethodDecorator {
  return ApiQuery({
    name: 'meta',
    required: false,
    schema: { type: 'boolean' },
    description: 'Adds to the answer: versions, times to live, and which keys a write created or deleted',
  });
}

/** Describes a problem document as an answer. */
export function ApiProblem(status: number, description: string): MethodDecorator {
  return ApiResponse({
    status,
    description,
    content: {
      [PROBLEM_MEDIA_TYPE]: {
        schema: {
          type: 'object',
          required: ['type', 'title', 'status', 'detail', 'code'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            code: { type: 'string', enum: Object.keys(ERROR_CODES) },
            nodes: { type: 'array', items: { type: 'string' } },
            maybe_applied: { type: 'boolean' },
            invalid_items: { type: 'integer' },
            errors: {
              type: 'array',
              items: {
                type: 'object',
                properties: {
                  pointer: { type: 'string' },
                  code: { type: 'string' },
                  detail: { type: 'string' },
                },
              },
            },
          },
        },
      },
    },
  });
}

type Schema = NonNullable<Parameters<typeof ApiQuery>[0] & { schema?: unknown }>['schema'];
type Model =
  | typeof KeyDto
  | typeof KeyItemDto
  | typeof DeleteItemDto
  | typeof SetItemDto
  | typeof TouchItemDto
  | typeof IncrementItemDto
  | typeof ValueDto;

/** Only `null`, in the words of OpenAPI 3.0. */
const NULL = { type: 'object', nullable: true, enum: [null] };

const FAILURE_PROPERTIES = {
  code: { type: 'string', enum: Object.keys(ERROR_CODES) },
  message: { type: 'string' },
  maybe_applied: { type: 'boolean' },
};

/** With `?meta=true`: one for each item, `null` for a failed one. */
const META_PROPERTIES = {
  keys_added: {
    versions: { type: 'array', items: { type: 'integer', nullable: true } },
    created: { type: 'array', items: { type: 'boolean', nullable: true } },
  },
  keys_touched: {},
  keys_deleted: { deleted: { type: 'array', items: { type: 'boolean', nullable: true } } },
};

function reference(model: Model): { $ref: string } {
  return { $ref: getSchemaPath(model) };
}

/** @param example the item that the page offers to send; without it, the least value of each field, such as one millisecond to live */
function describe(models: Model[], example: object): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(...models, ValueDto, KeyDto),
    ApiBody({ schema: { type: 'array', items: { oneOf: models.map(reference) }, example: [example] } }),
  );
}

const HELLO = { encoding: 'string', data: 'hello' };

function ApiBatchAnswers(schema: NonNullable<Schema>): MethodDecorator {
  return applyDecorators(
    ApiResponse({ status: 200, description: 'Every item is done', schema }),
    ApiResponse({ status: 207, description: 'Some items failed: the body says which and why', schema }),
    ApiProblem(400, 'The request is not valid; nothing was changed'),
    ApiProblem(413, 'The body, a key, a value or the answer is too large'),
    ApiProblem(415, 'Neither the body nor its content type is JSON'),
    ApiResponse({ status: 409, description: 'Every item failed: its condition does not hold', schema }),
    ApiResponse({
      status: 503,
      description: 'Every item failed: its storage node cannot be reached',
      schema,
    }),
    ApiResponse({ status: 507, description: 'Every item failed: the store is full', schema }),
  );
}
