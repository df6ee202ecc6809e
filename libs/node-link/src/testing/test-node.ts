import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { LinkServer } from '../link/link-server.js';
import type { PeerReceiver } from '../codec/peer-messages.js';
import type { NodeOperations } from '../link/node-operations.js';
import { CallBudget } from './call-budget.js';

/** A storage node in this process, over any operations: its link and nothing else. */
export class TestNode {
  port = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #link: LinkServer | undefined;

  readonly #operations: NodeOperations;
  readonly #peers: PeerReceiver | undefined;

  /** @param peers takes messages of other nodes */
  constructor(operations: NodeOperations, peers?: PeerReceiver) {
    this.#operations = operations;
    this.#peers = peers;
  }

  /** @param port the port that it had before, to start it again; 0 for any free port */
  async start(port = this.port): Promise<void> {
    const server = createServer((_, response) => response.writeHead(404).end());
    const link = new LinkServer(this.#operations, {
      limits: DEFAULT_LIMITS,
      maxInFlightRequests: 1000,
      maxInFlightBytes: 2 ** 28,
      admission: new CallBudget(1000, 2 ** 28),
      onError: () => undefined,
      ...(this.#peers && { peers: this.#peers }),
    });
    server.on('upgrade', (request, socket, head) => link.accept(request, socket, head));
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

  /** Sends go-away frames, and finishes what is in flight. */
  async drain(): Promise<void> {
    await this.#link?.drain();
  }

  /** Ends at once, as a process that is killed. */
  async kill(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
