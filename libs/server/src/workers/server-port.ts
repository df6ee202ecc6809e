import { createServer, type Server, type Socket } from 'node:net';
import { listen, type ListenOptions } from '../lifecycle/listen.js';

/** A port of the primary process. Its number stays the same when it is closed and opened again. */
export class ServerPort {
  /** Set while it listens. */
  #server: Server | undefined;
  #port: number;
  #isWanted = false;
  #isOpening = false;

  readonly #protocol: string;
  readonly #host: string;
  readonly #onConnection: (socket: Socket) => void;

  /** @param onConnection called with each connection, paused */
  constructor(protocol: string, { host, port }: ListenOptions, onConnection: (socket: Socket) => void) {
    this.#protocol = protocol;
    this.#host = host;
    this.#port = port;
    this.#onConnection = onConnection;
  }

  /**
   * Opens the port.
   *
   * @returns the port; undefined if `close` was called meanwhile, if an earlier call still opens the port, or if it is open
   * @throws StartError
   */
  async open(): Promise<number | undefined> {
    this.#isWanted = true;
    if (this.#isOpening || this.#server !== undefined) return undefined;
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.#onConnection(socket);
    });
    this.#isOpening = true;
    try {
      this.#port = await listen(server, this.#protocol, { host: this.#host, port: this.#port });
    } finally {
      this.#isOpening = false;
    }
    if (!this.#isWanted) {
      server.close();
      return undefined;
    }
    this.#server = server;
    return this.#port;
  }

  /** Closes the port. A server that is still opening closes when it listens: closed before, it would never emit `listening`. */
  close(): void {
    this.#isWanted = false;
    this.#server?.close();
    this.#server = undefined;
  }
}
