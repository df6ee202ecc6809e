import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { listen, type Listener, type ListenOptions } from '@kvs/server';
import type { UpgradeHandler } from './upgrades.js';

/** Accepts HTTP connections, and those that leave HTTP for another protocol. */
export class HttpListener implements Listener {
  readonly protocol = 'http';
  #hasAccepted = false;

  readonly #server: Server;
  readonly #upgrade: UpgradeHandler | undefined;

  constructor(server: Server, upgrade: UpgradeHandler | undefined) {
    this.#server = server;
    this.#upgrade = upgrade;
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
  }
}
