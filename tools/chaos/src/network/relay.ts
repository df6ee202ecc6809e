import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { resetConnection } from '@kvs/server';
import { Flow } from './flow.js';

/** The answers of a network to its relays. */
export interface Faults {
  /** Returns the name of the server that a connection is from, if its first bytes say so. */
  sourceIn(firstBytes: string): string | undefined;
  /** Whether connections between the two are broken. */
  isCut(one: string, other: string): boolean;
  /** Whether bytes from the one to the other wait. */
  isStalled(from: string, to: string): boolean;
}

/** A TCP port in front of a server, under whose address others know it. The server may come and go. */
export class Relay {
  /** The port of the server behind; undefined while there is none. */
  target: number | undefined;
  readonly #name: string;
  readonly #faults: Faults;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  private constructor(name: string, faults: Faults) {
    this.#name = name;
    this.#faults = faults;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** @param name the name of the server behind */
  static async start(name: string, faults: Faults): Promise<Relay> {
    const relay = new Relay(name, faults);
    relay.#server.listen(0, HOST);
    await once(relay.#server, 'listening');
    return relay;
  }

  /** `host:port` */
  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay does not listen');
    return `${HOST}:${address.port}`;
  }

  /** Looks again which connections are cut or stalled. */
  update(): void {
    for (const connection of this.#connections) connection.update();
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #accept(client: Socket): void {
    if (this.target === undefined) return resetConnection(client);
    const connection = new Connection(client, this.target, this.#name, this.#faults);
    this.#connections.add(connection);
    connection.closed.then(
      () => this.#connections.delete(connection),
      () => undefined,
    );
  }
}

/** A connection through a relay. */
class Connection {
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #to: string;
  readonly #faults: Faults;
  readonly #flows: readonly [there: Flow, back: Flow];
  #from = UNNAMED;
  /** The first bytes of the client, until they name it. */
  #firstBytes = '';

  constructor(client: Socket, port: number, to: string, faults: Faults) {
    this.#client = client;
    this.#server = connect({ port, host: HOST, allowHalfOpen: true, noDelay: true });
    this.#to = to;
    this.#faults = faults;
    const there = new Flow(client, this.#server, () => faults.isStalled(this.#from, to));
    const back = new Flow(this.#server, client, () => faults.isStalled(to, this.#from));
    this.#flows = [there, back];
    client.on('data', (chunk: Buffer) => {
      this.#identify(chunk);
      this.update();
      there.take(chunk);
    });
    this.#server.on('data', (chunk: Buffer) => back.take(chunk));
    // `close` follows an error.
    for (const socket of [client, this.#server]) socket.on('error', () => undefined);
    this.closed = Promise.all([client, this.#server].map((socket) => once(socket, 'close')));
    this.update();
  }

  update(): void {
    if (this.#faults.isCut(this.#from, this.#to)) this.destroy();
    else for (const flow of this.#flows) flow.update();
  }

  destroy(): void {
    resetConnection(this.#client);
    resetConnection(this.#server);
  }

  #identify(chunk: Buffer): void {
    if (this.#from !== UNNAMED || this.#firstBytes.length > MAX_FIRST_BYTES) return;
    this.#firstBytes += chunk.toString('latin1');
    this.#from = this.#faults.sourceIn(this.#firstBytes) ?? UNNAMED;
  }
}

/** The source of a connection that has named none: only nodes name themselves. */
export const UNNAMED = 'a proxy';

const HOST = '127.0.0.1';
/** A request of a node about the cluster names the node at its begin. */
const MAX_FIRST_BYTES = 4096;
