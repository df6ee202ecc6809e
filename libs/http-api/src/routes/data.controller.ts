import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Inject, Post, Put, Req, Res } from '@nestjs/common';
import { KvsError, type PairFormat, type ScanAnswer } from '@kvs/protocol';
import { OPERATIONS, type KeyValueOperations } from '../tokens.js';
import type { AdmittedRequest } from '../server/body.js';
import { preferredType } from './accept.js';
import { BatchRoutes } from './batch-routes.js';
import { collectPage, type PageAnswer } from './page.js';
import { NDJSON, sendNoPairs, sendPairs } from './pair-stream.js';
import { receivedBody } from './raw-body.js';
import { sendJson } from './reply.js';
import { readScan } from './scan-parameters.js';

/** The protocol's data operations. */
@Controller()
export class DataController {
  readonly #operations: KeyValueOperations;
  readonly #routes: BatchRoutes;

  constructor(@Inject(OPERATIONS) operations: KeyValueOperations, @Inject(BatchRoutes) routes: BatchRoutes) {
    this.#operations = operations;
    this.#routes = routes;
  }

  @Put('set')
  set(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    return this.#answer('/set', request, response);
  }

  @Post('fetch')
  fetch(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    return this.#answer('/fetch', request, response);
  }

  @Post('query')
  query(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    return this.#answer('/query', request, response);
  }

  @Post('delete')
  delete(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    return this.#answer('/delete', request, response);
  }

  @Post('touch')
  touch(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    return this.#answer('/touch', request, response);
  }

  @Post('increment')
  increment(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    return this.#answer('/increment', request, response);
  }

  @Get('fetch')
  async fetchAll(@Req() request: AdmittedRequest, @Res() response: ServerResponse): Promise<void> {
    const { scan, page } = readScan(request.url ?? '');
    const format = readFormat(request);
    let current: ScanAnswer | undefined;
    // Without waiting for the next pair, because it may take long and nobody will read it.
    response.once('close', () => current?.close());
    // Bytes that are counted after the response has closed would never be released.
    const hold = (bytes: number): void => {
      if (response.destroyed) throw DISCONNECTED;
      request.memory.holdPage(bytes);
    };
    const open = async (window: Parameters<KeyValueOperations['scan']>[0]): Promise<ScanAnswer> => {
      if (response.destroyed) throw DISCONNECTED;
      current = await this.#operations.scan(window);
      if (response.destroyed) current.close();
      return current;
    };
    const answer: PageAnswer = page
      ? await collectPage({ ...scan, ...page, format }, open, { hold })
      : await open({ ...scan, format });
    if (answer.nextCursor !== undefined) response.setHeader('kvs-next-cursor', answer.nextCursor);
    if (answer.missingNodes.length > 0) {
      response.statusCode = 207;
      response.setHeader('kvs-missing-nodes', answer.missingNodes.join(', '));
    }
    try {
      if (request.method === 'HEAD') sendNoPairs(response, format);
      else await sendPairs(response, answer.lines, format, (bytes) => request.memory.countUnread(bytes));
    } finally {
      answer.close();
    }
  }

  async #answer(path: string, request: AdmittedRequest, response: ServerResponse): Promise<void> {
    const route = this.#routes.of(path);
    request.memory.checkAnswer();
    const answer = await route.answer(receivedBody(request), request.url ?? '');
    if (route.isRead) request.memory.checkAnswer();
    sendJson(response, answer);
  }
}

const DISCONNECTED = new KvsError('invalid_request', 'the client has disconnected');

/** @throws KvsError `not_acceptable` */
function readFormat({ headers }: IncomingMessage): PairFormat {
  const type = preferredType(headers.accept, TYPES);
  if (type === undefined) throw new KvsError('not_acceptable', `pairs come as ${TYPES.join(' or ')}`);
  return type === NDJSON ? 'lines' : 'items';
}

const TYPES = ['application/json', NDJSON] as const;
