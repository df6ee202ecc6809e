import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that sends bytes as they are and reads bytes as they come. */
export class RawClient {
  readonly socket: Socket;
  #received = '';
  #isOver = false;
  readonly #events = new EventEmitter();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => socket.destroy());
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.#isOver = true;
        this.#events.emit('over');
      });
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      this.#events.emit('received');
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Sends lines as commands, and returns what comes back up to the reply to a last ECHO. */
  async ask(...lines: string[]): Promise<string> {
    this.send([...lines, 'echo end-of-replies'].map((line) => `${line}\r\n`).join(''));
    return this.readTo('$14\r\nend-of-replies\r\n');
  }

  /** Returns all that came before `end`, which it takes away as well. */
  async readTo(end: string): Promise<string> {
    while (!this.#received.includes(end))
      await once(this.#events, 'received', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const at = this.#received.indexOf(end);
    const text = this.#received.slice(0, at);
    this.#received = this.#received.slice(at + end.length);
    return text;
  }

  /** Returns all that comes until the server closes the connection. */
  async readAll(): Promise<string> {
    for (const signal = AbortSignal.timeout(TIMEOUT_MS); !this.#isOver;)
      await once(this.#events, 'over', { signal });
    return this.#received;
  }
}

/** Less than Jest gives a test. */
const TIMEOUT_MS = 90_000;
