import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Inject, Post, Put, Req, Res } from '@nestjs/common';
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
@Controller()
export class DataController {
  readonly #operations: KeyValueOperations;
  readonly #data: DataService;

  constructor(@Inject(OPERATIONS) operations: KeyValueOperations, @Inject(DataService) data: DataService) {
    this.#operations = operations;
    this.#data = data;
  }

  @Put('set')
  async set(
    @RawBody(JsonBodyPipe, SetItemsPipe) items: SetItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    sendJson(response, await this.#data.set(items, readMeta(request.url)));
  }

  @Post('fetch')
  async fetch(
    @RawBody(JsonBodyPipe, KeysPipe) keys: Key[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    sendJson(response, await this.#data.fetch(keys, readMeta(request.url)));
  }

  @Post('query')
  async query(
    @RawBody(JsonBodyPipe, KeysPipe) keys: Key[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    readNoParameters(request.url);
    sendJson(response, await this.#data.query(keys));
  }

  @Post('delete')
  async delete(
    @RawBody(JsonBodyPipe, DeleteItemsPipe) items: DeleteItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    sendJson(response, await this.#data.delete(items, readMeta(request.url)));
  }

  @Post('touch')
  async touch(
    @RawBody(JsonBodyPipe, TouchItemsPipe) items: TouchItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    readNoParameters(request.url);
    sendJson(response, await this.#data.touch(items));
  }

  @Post('increment')
  async increment(
    @RawBody(JsonBodyPipe, IncrementItemsPipe) items: IncrementItem[],
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    readNoParameters(request.url);
    sendJson(response, await this.#data.increment(items));
  }

  @Get('fetch')
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
