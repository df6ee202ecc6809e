import { createServer, type Server, type Socket } from 'node:net';
import { listen, MAX_CONNECTIONS, type Listener, type ListenOptions } from '@kvs/server';
import { Connection, type ConnectionParts } from './connection.js';

/** Accepts connections for the Redis protocol. */
export class RedisListener implements Listener {
  readonly protocol = 'redis';
  readonly #connections: Map<number, Connection>;
  readonly #parts: ConnectionParts;
  readonly #server: Server;
  #timer: NodeJS.Timeout | undefined;
  #lastId = 0;
  #isDraining = false;
  #whenIdle: (() => void) | undefined;

  /** @param connections where the listener keeps its open connections, by their ids */
  constructor(parts: ConnectionParts, connections: Map<number, Connection>) {
    this.#parts = parts;
    this.#connections = connections;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
  }

  start(address: ListenOptions): Promise<number> {
    return listen(this.#server, this.protocol, address);
  }

  accept(socket: Socket): void {
    socket.allowHalfOpen = true;
    if (this.#isDraining) return void socket.destroy();
    if (this.#connections.size >= MAX_CONNECTIONS) return refuse(socket);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#timer ??= setInterval(() => this.#checkAll(), CHECK_MS).unref();
    this.#parts.metrics.observeConnection();
    const connection = new Connection(++this.#lastId, socket, this.#parts);
    this.#connections.set(connection.id, connection);
    socket.once('close', () => {
      this.#connections.delete(connection.id);
      this.#noticeIdle();
    });
    socket.resume();
  }

  /** Closes idle connections at once, and the others after the replies to the commands that run. Runs no further command. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#server.close();
    for (const connection of this.#connections.values()) {
      connection.onIdle = () => this.#noticeIdle();
      connection.end();
    }
    while (this.#isInFlight()) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
  }

  close(): void {
    this.#isDraining = true;
    clearInterval(this.#timer);
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #isInFlight(): boolean {
    return Array.from(this.#connections.values()).some(({ isInFlight }) => isInFlight);
  }

  #noticeIdle(): void {
    this.#whenIdle?.();
  }

  #checkAll(): void {
    for (const connection of this.#connections.values()) connection.check(CHECK_MS);
  }
}

function refuse(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.end('-ERR max number of clients reached\r\n', () => socket.destroy());
}

/** Finds clients whose machine has gone, as in Redis. */
const KEEP_ALIVE_MS = 300_000;
const CHECK_MS = 1000;
