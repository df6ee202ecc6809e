import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Inject, Post, Put, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  KvsError,
  PARTITIONS_HEADER,
  type DeleteItem,
  type IncrementItem,
  type Key,
  type ScanAnswer,
  type SetItem,
  type TouchItem,
} from '@kvs/protocol';
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
} from '@kvs/protocol/nest';
import { OPERATIONS, type KeyValueOperations } from '../tokens.js';
import { preferredType } from './accept.js';
import { DataService } from './data.service.js';
import { collectPage, type PageAnswer } from './page.js';
import { NDJSON, sendNoPairs, sendPairs } from './pair-stream.js';
import { readMeta, readNoParameters } from './query-parameters.js';
import {
  DeleteItemsPipe,
  IncrementItemsPipe,
  JsonBodyPipe,
  KeysPipe,
  RawBody,
  SetItemsPipe,
  TouchItemsPipe,
} from './raw-body.js';
import { sendJson } from './reply.js';
import { readScan } from './scan-parameters.js';

/** The protocol's data operations. */
@ApiTags('data')
@Controller()
export class DataController {
  readonly #operations: KeyValueOperations;
  readonly #data: DataService;

  constructor(@Inject(OPERATIONS) operations: KeyValueOperations, @Inject(DataService) data: DataService) {
    this.#operations = operations;
    this.#data = data;
  }

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
    sendJson(response, await this.#data.set(items, readMeta(request.url)));
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
    sendJson(response, await this.#data.fetch(keys, readMeta(request.url)));
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
    readNoParameters(request.url);
    sendJson(response, await this.#data.query(keys));
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
    sendJson(response, await this.#data.delete(items, readMeta(request.url)));
  }

  @Post('touch')
  @ApiOperation({ summary: 'Give pairs a new time to live' })
  @ApiTouchBody()
  @ApiWriteAnswer('keys_touched')
  async touch(
    @RawBody(JsonBodyPipe, TouchItemsPipe) items: TouchItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    readNoParameters(request.url);
    sendJson(response, await this.#data.touch(items));
  }

  @Post('increment')
  @ApiOperation({ summary: 'Add to integers' })
  @ApiIncrementBody()
  @ApiSumsAnswer()
  async increment(
    @RawBody(JsonBodyPipe, IncrementItemsPipe) items: IncrementItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    readNoParameters(request.url);
    sendJson(response, await this.#data.increment(items));
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
  @ApiProblem(406, 'Accept excludes both formats')
  @ApiProblem(503, 'A storage node cannot be reached')
  async fetchAll(@Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const { scan, page } = readScan(request.url ?? '', headerOf(request, PARTITIONS_HEADER));
    const ndjson = readFormat(request) === NDJSON;
    let current: ScanAnswer | undefined;
    // Without waiting for the next pair, because it may take long and nobody will read it.
    response.once('close', () => current?.close());
    const open = async (request: Parameters<KeyValueOperations['scan']>[0]): Promise<ScanAnswer> => {
      if (response.destroyed) throw new KvsError('invalid_request', 'the client has disconnected');
      current = await this.#operations.scan(request);
      if (response.destroyed) current.close();
      return current;
    };
    const answer: PageAnswer = page
      ? await collectPage({ ...scan, ...page }, open)
      : await open({ ...scan, format: ndjson ? 'lines' : 'items' });
    if (answer.nextCursor !== undefined) response.setHeader('kvs-next-cursor', answer.nextCursor);
    if (answer.missingNodes.length > 0) {
      response.statusCode = 207;
      response.setHeader('kvs-missing-nodes', answer.missingNodes.join(', '));
    }
    try {
      if (request.method === 'HEAD') sendNoPairs(response, ndjson);
      else await sendPairs(response, answer, ndjson);
    } finally {
      answer.close();
    }
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const header = headers[name];
  return Array.isArray(header) ? header.join(', ') : header;
}

/** @throws KvsError `not_acceptable` */
function readFormat({ headers }: IncomingMessage): (typeof FORMATS)[number] {
  const format = preferredType(headers.accept, FORMATS);
  if (format === undefined) throw new KvsError('not_acceptable', `pairs come as ${FORMATS.join(' or ')}`);
  return format;
}

const FORMATS = ['application/json', NDJSON] as const;
