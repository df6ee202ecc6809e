import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  DEFAULT_LIMITS,
  deleteAnswer,
  fetchAnswer,
  guardDeleteItem,
  guardKeyItem,
  guardSetItem,
  KvsError,
  parseJsonBody,
  PROBLEM_MEDIA_TYPE,
  problemOf,
  queryAnswer,
  setAnswer,
  type ItemGuard,
  type WireAnswer,
} from '@kvs/protocol';
import { LinkServer, type BatchOperations } from '../link/link-server.js';

/** A storage node in this process, over any operations: their routes over HTTP, and the link. */
export class TestNode {
  port = 0;
  /** How many requests came over HTTP. */
  requests = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #link: LinkServer | undefined;

  readonly #operations: BatchOperations;
  readonly #offersLink: boolean;

  constructor(operations: BatchOperations, offersLink = true) {
    this.#operations = operations;
    this.#offersLink = offersLink;
  }

  /** @param port the one it had before, to start it again; 0 for any free one */
  async start(port = this.port): Promise<void> {
    const operations = this.#operations;
    const server = createServer((request, response) => void this.#serve(request, response));
    const link = new LinkServer(operations, {
      limits: DEFAULT_LIMITS,
      maxInFlightRequests: 1000,
      maxInFlightBytes: 2 ** 28,
      onError: () => undefined,
    });
    if (this.#offersLink) {
      server.on('upgrade', (request, socket, head) => link.accept(request, socket, head));
    }
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#link = link;
  }

  get openLinks(): number {
    return this.#link?.size ?? 0;
  }

  /** Says goodbye on its links, and answers what is under way. */
  async drain(): Promise<void> {
    await this.#link?.drain();
  }

  /** At once, as a process that is killed. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    try {
      const { status, body } = await this.#answer(request.url ?? '', Buffer.concat(parts));
      send(response, status, 'application/json', body);
    } catch (error) {
      const reason = error instanceof KvsError ? error : new KvsError('internal_error', 'unexpected');
      send(response, reason.status, PROBLEM_MEDIA_TYPE, problemOf(reason));
    }
  }

  async #answer(url: string, body: Buffer): Promise<WireAnswer<unknown>> {
    const operations = this.#operations;
    switch (url.split('?', 1)[0]) {
      case '/set': {
        const items = read(body, guardSetItem);
        return setAnswer(items, await operations.set(items), true);
      }
      case '/delete': {
        const items = read(body, guardDeleteItem);
        return deleteAnswer(items, await operations.delete(items), true);
      }
      case '/fetch': {
        const keys = read(body, guardKeyItem);
        return fetchAnswer(keys, await operations.fetch(keys), true);
      }
      case '/query': {
        const keys = read(body, guardKeyItem);
        return queryAnswer(keys, await operations.query(keys));
      }
      default:
        throw new KvsError('not_found', `there is no ${url}`);
    }
  }
}

function read<T>(body: Buffer, guard: ItemGuard<T>): T[] {
  const items = parseJsonBody(body, 'application/json', DEFAULT_LIMITS);
  if (!Array.isArray(items)) throw new KvsError('invalid_shape', 'not an array');
  return items.map((item: unknown) => {
    const checked = guard(item, DEFAULT_LIMITS);
    if (checked === undefined) throw new KvsError('invalid_request', 'an item is not valid');
    return checked;
  });
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  response.writeHead(status, { 'content-type': type });
  response.end(JSON.stringify(body));
}
