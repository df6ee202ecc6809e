import { createServer, type Server, type Socket } from 'node:net';
import { listen, type ListenOptions } from '../lifecycle/listen.js';

/** Listens on one port, which stays the same when the listener reopens. */
export class PortListener {
  /** Set while it listens. */
  #server: Server | undefined;
  #port: number;
  #isWanted = false;
  #isOpening = false;

  readonly #options: ListenOptions;
  readonly #take: (socket: Socket) => void;

  /** @param take gets each connection, paused */
  constructor(options: ListenOptions, take: (socket: Socket) => void) {
    this.#options = options;
    this.#take = take;

    this.#port = options.port;
  }

  /**
   * Opens the port.
   *
   * @returns the port; undefined if `close` was called meanwhile, or if an earlier call still opens the port
   * @throws StartError
   */
  async open(): Promise<number | undefined> {
    this.#isWanted = true;
    if (this.#isOpening) return undefined;
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.#take(socket);
    });
    this.#isOpening = true;
    try {
      this.#port = await listen(server, { ...this.#options, port: this.#port });
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
