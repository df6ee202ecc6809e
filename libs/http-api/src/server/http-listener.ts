import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { KvsError } from '@kvs/protocol';
import {
  gauge,
  listen,
  MAX_CONNECTIONS,
  type Listener,
  type ListenOptions,
  type MetricFamily,
  type MetricsSource,
} from '@kvs/server';
import { closeInStages } from './closing.js';
import { rawProblem } from './raw-problem.js';
import type { UpgradeHandler } from './upgrades.js';

/** Accepts HTTP connections, and those that leave HTTP for another protocol. */
export class HttpListener implements Listener, MetricsSource {
  readonly protocol = 'http';
  #hasAccepted = false;
  /** The connections that are open. */
  readonly #sockets = new Set<Socket>();

  readonly #server: Server;
  readonly #upgrade: UpgradeHandler | undefined;

  constructor(
    server: Server,
    upgrade: UpgradeHandler | undefined,
    readonly maxConnections = MAX_CONNECTIONS,
  ) {
    this.#server = server;
    this.#upgrade = upgrade;
    // Node's own limit closes connections without an answer, and does not hold for those that come by `accept`.
    // Room is made before Node knows the connection, because newer versions (26) take one that has sent nothing for idle.
    server.prependListener('connection', () => this.#makeRoom());
    // After Node's own listener, because `closeInStages` takes the connection from Node's parser.
    server.on('connection', (socket: Socket) => this.#admit(socket));
  }

  start(address: ListenOptions): Promise<number> {
    return listen(this.#server, this.protocol, address);
  }

  accept(socket: Socket): void {
    // Node starts to time headers and to track connections when a server listens. This server doesn't listen itself.
    if (!this.#hasAccepted) this.#server.emit('listening');
    this.#hasAccepted = true;
    // As if the server had accepted the connection itself.
    socket.allowHalfOpen = true;
    this.#server.emit('connection', socket);
  }

  async drain(): Promise<void> {
    // Closes only the port: the `close` of an HTTP server would also close connections on which a request may still come.
    NetServer.prototype.close.call(this.#server);
    await this.#upgrade?.drain();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#upgrade?.close();
    // Node has forgotten those that have left HTTP, also if their upgrade was refused.
    for (const socket of this.#sockets) socket.destroy();
  }

  collect(): MetricFamily[] {
    return [
      gauge('kvs_http_connections', 'Connections over HTTP and links that are open', this.#sockets.size),
    ];
  }

  /**
   * At the limit, connections that wait for their next request make way (on Node 26, also those that have sent nothing yet).
   * Otherwise idle clients would keep out all others.
   */
  #makeRoom(): void {
    if (this.#sockets.size < this.maxConnections) return;
    this.#server.closeIdleConnections();
    // A socket that was destroyed emits `close` only later.
    for (const socket of this.#sockets) if (socket.destroyed) this.#sockets.delete(socket);
  }

  /** Counts a connection until it closes, also if it leaves HTTP; or refuses it. */
  #admit(socket: Socket): void {
    if (this.#sockets.size >= this.maxConnections) {
      closeInStages(socket, TOO_MANY_CONNECTIONS, { maxMs: 1000, maxBytes: 64 * 1024 });
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

const TOO_MANY_CONNECTIONS = rawProblem(new KvsError('overloaded', 'too many connections are open'));
