import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * A connection with one request under way at a time. It reads of HTTP what it needs to find the end of an answer, which
 * must give its length; node:http would take as much CPU time as the servers that are measured.
 */
export class RequestSocket {
  readonly #socket: Socket;
  #received = '';
  #answered: ((status: number) => void) | undefined;
  #isClosed = false;

  static async connect(origin: string): Promise<RequestSocket> {
    const { hostname, port } = new URL(origin);
    const socket = new RequestSocket(hostname, Number(port));
    await once(socket.#socket, 'connect');
    return socket;
  }

  private constructor(host: string, port: number) {
    // All that comes is read into one buffer, rather than each answer into one of its own.
    const buffer = Buffer.alloc(READ_BYTES);
    const callback = (bytes: number): boolean => {
      this.#take(buffer.toString('latin1', 0, bytes));
      return true;
    };
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer, callback } });
    this.#socket.on('error', () => this.#breakOff());
    this.#socket.on('close', () => this.#breakOff());
  }

  /** `answered` is called with the status, or with 0 when the connection broke; it breaks once for all. */
  ask(request: string, answered: (status: number) => void): void {
    if (this.#isClosed) return;
    this.#answered = answered;
    this.#socket.write(request, 'latin1');
  }

  close(): void {
    this.#isClosed = true;
    this.#answered = undefined;
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#received.slice(0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) throw new Error(`an answer without its length: ${head}`);
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    this.#received = '';
    this.#settle(Number(head.slice(9, 12)));
  }

  #breakOff(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#settle(0);
  }

  #settle(status: number): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(status);
  }
}

const READ_BYTES = 16 * 1024;
