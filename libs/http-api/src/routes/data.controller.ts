import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Inject, Post, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  byteLength,
  deleteAnswer,
  fetchAnswer,
  KvsError,
  PARTITIONS_HEADER,
  queryAnswer,
  setAnswer,
  type DeleteItem,
  type FetchOutcome,
  type Key,
  type PageAnswer,
  type SetItem,
} from '@kvs/protocol';
import {
  ApiDeleteBody,
  ApiKeysBody,
  ApiMeta,
  ApiPairsAnswer,
  ApiProblem,
  ApiSetBody,
  ApiWriteAnswer,
} from '@kvs/protocol/nest';
import { LIMITS, OPERATIONS, type KeyValueOperations, type Limits } from '../tokens.js';
import { NDJSON, sendNoPairs, sendPairs } from './pair-stream.js';
import { QueryParameters } from './query-parameters.js';
import { DeleteItemsPipe, JsonBodyPipe, KeysPipe, RawBody, SetItemsPipe } from './raw-body.js';
import { sendJson } from './reply.js';
import { readScan } from './scan-parameters.js';

/** The protocol's data operations. */
@ApiTags('data')
@Controller()
export class DataController {
  constructor(
    @Inject(OPERATIONS) private readonly operations: KeyValueOperations,
    @Inject(LIMITS) private readonly limits: Limits,
  ) {}

  @Put('set')
  @ApiOperation({ summary: 'Write pairs' })
  @ApiSetBody()
  @ApiMeta()
  @ApiWriteAnswer('keys_added')
  async set(
    @RawBody(JsonBodyPipe, SetItemsPipe) items: SetItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const meta = readMeta(request);
    sendJson(response, setAnswer(items, await this.operations.set(items), meta));
  }

  @Post('fetch')
  @ApiOperation({ summary: 'Read the pairs of some keys' })
  @ApiKeysBody()
  @ApiMeta()
  @ApiPairsAnswer('value')
  async fetch(
    @RawBody(JsonBodyPipe, KeysPipe) keys: Key[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const meta = readMeta(request);
    const outcomes = await this.operations.fetch(keys);
    refuseHugeAnswer(keys, outcomes, this.limits.maxAnswerBytes);
    sendJson(response, fetchAnswer(keys, outcomes, meta));
  }

  @Post('query')
  @ApiOperation({ summary: 'Ask which keys are present' })
  @ApiKeysBody()
  @ApiPairsAnswer('presence')
  async query(
    @RawBody(JsonBodyPipe, KeysPipe) keys: Key[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    readNoParameters(request);
    sendJson(response, queryAnswer(keys, await this.operations.query(keys)));
  }

  @Post('delete')
  @ApiOperation({ summary: 'Remove pairs' })
  @ApiDeleteBody()
  @ApiMeta()
  @ApiWriteAnswer('keys_deleted')
  async delete(
    @RawBody(JsonBodyPipe, DeleteItemsPipe) items: DeleteItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const meta = readMeta(request);
    sendJson(response, deleteAnswer(items, await this.operations.delete(items), meta));
  }

  @Get('fetch')
  @ApiOperation({ summary: 'Read every pair, or a page of them; order is unspecified' })
  @ApiQuery({ name: 'prefix', required: false, description: 'Only keys whose data starts with this' })
  @ApiQuery({ name: 'encoding', required: false, enum: ['string', 'binary'], description: 'Of the prefix' })
  @ApiQuery({ name: 'limit', required: false, schema: { type: 'integer' }, description: 'About how many' })
  @ApiQuery({ name: 'cursor', required: false, description: 'KVS-Next-Cursor of the page before' })
  @ApiQuery({
    name: 'partial',
    required: false,
    schema: { type: 'boolean' },
    description: 'Leave out nodes that are away',
  })
  @ApiMeta()
  @ApiResponse({ status: 200, description: 'Pairs, as a JSON array or (by Accept) a line each' })
  @ApiResponse({ status: 207, description: 'The pairs of the nodes that could be reached' })
  @ApiProblem(400, 'A parameter is not valid')
  @ApiProblem(503, 'A storage node cannot be reached')
  async fetchAll(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const { scan, page } = readScan(request.url ?? '', headerOf(request, PARTITIONS_HEADER));
    const ndjson = prefersNdjson(request);
    const answer: PageAnswer = page
      ? await this.operations.page({ ...scan, ...page })
      : await this.operations.scan({ ...scan, format: ndjson ? 'lines' : 'items' });
    if (answer.nextCursor !== undefined) response.setHeader('kvs-next-cursor', answer.nextCursor);
    if (answer.missingNodes.length > 0) {
      response.statusCode = 207;
      response.setHeader('kvs-missing-nodes', answer.missingNodes.join(', '));
    }
    // Without waiting for the next pair: there may be none for long, and nobody is left to read it.
    response.once('close', () => answer.close());
    try {
      if (request.method === 'HEAD') sendNoPairs(response, ndjson);
      else await sendPairs(response, answer, ndjson);
    } finally {
      answer.close();
    }
  }
}

function readMeta(request: IncomingMessage): boolean {
  return new QueryParameters(request.url ?? '', ['meta']).flag('meta');
}

function readNoParameters(request: IncomingMessage): void {
  new QueryParameters(request.url ?? '', []);
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const header = headers[name];
  return Array.isArray(header) ? header.join(', ') : header;
}

/** Values are checked by size before they become text: the text of all could be larger than a string can be. */
function refuseHugeAnswer(keys: readonly Key[], outcomes: readonly FetchOutcome[], maxBytes: number): void {
  let bytes = 0;
  for (const key of keys) bytes += byteLength(key);
  for (const outcome of outcomes) {
    // What is too much for one node to answer is too much in all, and is told as it is where there is no proxy.
    if (!outcome.ok && outcome.code === 'answer_too_large') throw new KvsError(outcome.code, outcome.message);
    if (outcome.ok && outcome.entry) bytes += byteLength(outcome.entry.value);
  }
  if (bytes <= maxBytes) return;
  throw new KvsError(
    'answer_too_large',
    `the answer would have ${bytes} bytes, at most ${maxBytes} are allowed; ask for fewer keys at a time`,
  );
}

function prefersNdjson({ headers }: IncomingMessage): boolean {
  return (headers.accept ?? '')
    .split(',')
    .some((type) => type.split(';', 1)[0]?.trim().toLowerCase() === NDJSON);
}
