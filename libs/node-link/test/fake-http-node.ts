import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReceivedRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Which connection it came by. */
  readonly socket: Socket;
}

/** An HTTP server that answers as a test tells it to, on any free port. */
export class FakeHttpNode {
  readonly requests: ReceivedRequest[] = [];
  /** How the next requests are answered. */
  answer: (response: ServerResponse) => void = (response) => response.end();
  address = '';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method, url, headers, socket } = request;
        this.requests.push({ method, url, headers, socket, body: Buffer.concat(parts).toString() });
        this.answer(response);
      });
    });
  }

  static async start(): Promise<FakeHttpNode> {
    const node = new FakeHttpNode();
    await new Promise<void>((resolve) => node.#server.listen(0, '127.0.0.1', resolve));
    node.address = `127.0.0.1:${(node.#server.address() as AddressInfo).port}`;
    return node;
  }

  json(body: unknown, status = 200, type = 'application/json; charset=utf-8'): void {
    this.answer = (response) => {
      response.writeHead(status, { 'content-type': type });
      response.end(JSON.stringify(body));
    };
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
