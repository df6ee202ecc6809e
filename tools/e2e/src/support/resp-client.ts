import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A reply as it was on the wire: its type, and its text or the replies in it. Null has no text. */
export interface RespReply {
  /** The first byte, such as `+` or `$`. */
  readonly type: string;
  readonly text?: string;
  readonly items?: readonly RespReply[];
}

/** A client for the Redis protocol that shows replies as they are, for comparisons. Texts are read as Latin-1. */
export class RespClient {
  readonly #socket: Socket;
  readonly #events = new EventEmitter();
  #received = '';
  /** Up to where replies were read. */
  #at = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1');
      this.#events.emit('received');
    });
    socket.on('error', () => socket.destroy());
  }

  static async open(port: number, protocol: 2 | 3, host = '127.0.0.1'): Promise<RespClient> {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    const client = new RespClient(socket);
    await client.ask([['HELLO', String(protocol)]]);
    return client;
  }

  /** Sends commands as one pipeline, and returns the replies. */
  async ask(commands: readonly (readonly (string | Buffer)[])[]): Promise<RespReply[]> {
    this.#socket.write(Buffer.concat(commands.map(encode)));
    const replies: RespReply[] = [];
    while (replies.length < commands.length) {
      const reply = this.#read();
      if (reply !== undefined) replies.push(reply);
      else await once(this.#events, 'received', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    }
    return replies;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Returns the next reply, if all of it has come. */
  #read(): RespReply | undefined {
    const start = this.#at;
    const reply = this.#parse();
    if (reply === undefined) this.#at = start;
    else if (this.#at > MAX_READ_UNITS || this.#at === this.#received.length) {
      this.#received = this.#received.slice(this.#at);
      this.#at = 0;
    }
    return reply;
  }

  #parse(): RespReply | undefined {
    const end = this.#received.indexOf('\r\n', this.#at);
    if (end === -1) return undefined;
    const type = this.#received.charAt(this.#at);
    const line = this.#received.slice(this.#at + 1, end);
    this.#at = end + 2;
    switch (type) {
      case '$':
      case '=':
        return line === '-1' ? { type } : this.#parseBulk(type, Number(line));
      case '*':
      case '~':
        return line === '-1' ? { type } : this.#parseItems(type, Number(line));
      case '%':
        return this.#parseItems(type, 2 * Number(line));
      case '_':
        return { type };
      default:
        return { type, text: line };
    }
  }

  #parseBulk(type: string, length: number): RespReply | undefined {
    if (this.#received.length < this.#at + length + 2) return undefined;
    const text = this.#received.slice(this.#at, this.#at + length);
    this.#at += length + 2;
    return { type, text };
  }

  #parseItems(type: string, count: number): RespReply | undefined {
    const items: RespReply[] = [];
    while (items.length < count) {
      const item = this.#parse();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return { type, items };
  }
}

function encode(args: readonly (string | Buffer)[]): Buffer {
  const parts = args.map((arg) => (typeof arg === 'string' ? Buffer.from(arg) : arg));
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, CRLF]),
  ]);
}

const CRLF = Buffer.from('\r\n');
const TIMEOUT_MS = 30_000;
const MAX_READ_UNITS = 1024 * 1024;
