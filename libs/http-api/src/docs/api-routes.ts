import {
  ApiBody,
  ApiConsumes,
  ApiHeader,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiQuery,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import {
  ApiDeleteBody,
  ApiIncrementBody,
  ApiKeysBody,
  ApiMeta,
  ApiPairsAnswer,
  ApiProblem,
  ApiSetBody,
  ApiSumsAnswer,
  ApiTouchBody,
  ApiWriteAnswer,
} from '@kvs/protocol/openapi';
import { DataController } from '../routes/data.controller.js';
import { HealthController } from '../routes/health.controller.js';
import { KeysController } from '../routes/keys.controller.js';
import { MetricsController } from '../routes/metrics.controller.js';
import { describeRoutes } from './describe-routes.js';

/** The descriptions of the common routes, for OpenAPI documents. */

describeRoutes(DataController, [ApiTags('data')], {
  set: [ApiOperation({ summary: 'Write pairs' }), ApiSetBody(), ApiMeta(), ApiWriteAnswer('keys_added')],
  fetch: [
    ApiOperation({ summary: 'Read the pairs of some keys' }),
    ApiKeysBody(),
    ApiMeta(),
    ApiPairsAnswer('value'),
  ],
  query: [ApiOperation({ summary: 'Ask which keys are present' }), ApiKeysBody(), ApiPairsAnswer('presence')],
  delete: [
    ApiOperation({ summary: 'Remove pairs' }),
    ApiDeleteBody(),
    ApiMeta(),
    ApiWriteAnswer('keys_deleted'),
  ],
  touch: [
    ApiOperation({ summary: 'Give pairs a new time to live' }),
    ApiTouchBody(),
    ApiWriteAnswer('keys_touched'),
  ],
  increment: [ApiOperation({ summary: 'Add to integers' }), ApiIncrementBody(), ApiSumsAnswer()],
  fetchAll: [
    ApiOperation({ summary: 'Read every pair, or a page of them; order is unspecified' }),
    ApiQuery({ name: 'prefix', required: false, description: 'Only keys whose data starts with this' }),
    ApiQuery({ name: 'encoding', required: false, enum: ['string', 'binary'], description: 'Of the prefix' }),
    ApiQuery({ name: 'limit', required: false, schema: { type: 'integer' }, description: 'About how many' }),
    ApiQuery({ name: 'cursor', required: false, description: 'KVS-Next-Cursor of the page before' }),
    ApiQuery({
      name: 'partial',
      required: false,
      schema: { type: 'boolean' },
      description: 'Leave out nodes that are away',
    }),
    ApiMeta(),
    ApiResponse({ status: 200, description: 'Pairs, as a JSON array or (by Accept) a line each' }),
    ApiResponse({ status: 207, description: 'The pairs of the nodes that could be reached' }),
    ApiProblem(400, 'A parameter is not valid'),
    ApiProblem(406, 'Accept excludes both formats'),
    ApiProblem(503, 'A storage node cannot be reached'),
  ],
});

const KEY_PROBLEMS = [
  ApiProblem(400, 'The key or a parameter is not valid'),
  ApiProblem(413, 'The key or the value is too large'),
  ApiProblem(503, 'The storage node of the key cannot be reached'),
];

describeRoutes(
  KeysController,
  [
    ApiTags('keys'),
    ApiParam({
      name: 'key',
      description: 'The key, percent-encoded; hexadecimal digits with ?encoding=binary',
    }),
    ApiQuery({ name: 'encoding', required: false, enum: ['string', 'binary'], description: 'Of the key' }),
  ],
  {
    read: [
      ...KEY_PROBLEMS,
      ApiOperation({ summary: 'Read one value; HEAD without its body' }),
      ApiHeader({
        name: 'If-None-Match',
        required: false,
        description: 'Answer 304 if the version is one of these',
      }),
      ApiResponse({ status: 200, description: 'The value; ETag is its version' }),
      ApiResponse({ status: 304, description: 'The version is one of If-None-Match' }),
      ApiProblem(404, 'The key is absent'),
    ],
    write: [
      ...KEY_PROBLEMS,
      ApiOperation({ summary: 'Write one value' }),
      ApiConsumes('text/plain', 'application/octet-stream'),
      ApiBody({
        schema: { type: 'string' },
        description: 'text/plain is kept as `string`, application/octet-stream as `binary`',
      }),
      ApiHeader({
        name: 'If-Match',
        required: false,
        description: 'Write only if the version is one of these',
      }),
      ApiHeader({
        name: 'If-None-Match',
        required: false,
        description: '*: write only if the key is absent',
      }),
      ApiHeader({ name: 'KVS-TTL-Ms', required: false, description: 'Time to live in milliseconds' }),
      ApiResponse({ status: 201, description: 'The key was absent and is written; ETag is its version' }),
      ApiResponse({ status: 204, description: 'The value is replaced; ETag is the new version' }),
      ApiProblem(412, 'The precondition does not hold'),
      ApiProblem(415, 'The content type is neither of the two'),
      ApiProblem(507, 'The store is full'),
    ],
    remove: [
      ...KEY_PROBLEMS,
      ApiOperation({ summary: 'Remove one key' }),
      ApiHeader({
        name: 'If-Match',
        required: false,
        description: 'Remove only if the version is one of these',
      }),
      ApiResponse({ status: 204, description: 'Removed' }),
      ApiProblem(404, 'The key is absent'),
      ApiProblem(412, 'The precondition does not hold'),
    ],
  },
);

describeRoutes(HealthController, [ApiTags('health')], {
  live: [ApiOperation({ summary: 'Whether the process runs' })],
  ready: [
    ApiOperation({ summary: 'Whether requests can be served' }),
    ApiResponse({ status: 200, description: 'Yes' }),
    ApiProblem(503, 'Not now'),
  ],
});

describeRoutes(MetricsController, [ApiTags('metrics')], {
  show: [
    ApiOperation({ summary: 'What the server has done and holds, in the text format of Prometheus' }),
    ApiProduces('text/plain'),
    ApiResponse({ status: 200, description: 'The metrics of now', schema: { type: 'string' } }),
  ],
});
