import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A reply on the wire; undefined for none, `close` to cut the connection instead. */
export type FakeReply = string | undefined;

/** Returns the reply to a command. Connections are numbered from 0. */
export type FakeScript = (command: readonly string[], connection: number) => FakeReply;

/** A server on a free port that replies as a test requires and records the commands. */
export class FakeRedis {
  readonly received: (readonly string[])[] = [];
  connectionCount = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(public script: FakeScript) {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(script: FakeScript = single): Promise<FakeRedis> {
    const fake = new FakeRedis(script);
    await once(fake.#server.listen(0, '127.0.0.1'), 'listening');
    return fake;
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server does not listen');
    return address.port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** The names of the commands that concern pairs. */
  get dataCommands(): string[] {
    return this.received.map(([name = '']) => name).filter((name) => !HOUSEKEEPING.has(name));
  }

  /** Cuts the connections. Clients may connect again. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async stop(): Promise<void> {
    this.cut();
    if (this.#server.listening) await once(this.#server.close(), 'close');
  }

  #serve(socket: Socket): void {
    const connection = this.connectionCount++;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      for (let next = firstCommand(text); next !== undefined; next = firstCommand(text)) {
        text = text.slice(next.length);
        this.received.push(next.command);
        const reply = this.script(next.command, connection);
        if (reply === CLOSE) socket.destroy();
        else if (reply !== undefined) socket.write(reply);
      }
    });
  }
}

/** A pair with an empty text as its value, and its size. */
export const PAIR = bulk(`s${'\0'.repeat(8)}`);
export const PAIR_SIZE = ':9\r\n';

export const CLOSE = 'close';
export const NO_CLUSTER = '-ERR This instance has cluster support disabled\r\n';

/** One pair was written, with version 1, and is new. */
export const WRITTEN = array([array([':1\r\n']), array([':1\r\n'])]);

/** Replies like a single Redis without pairs that accepts every write of one item. */
export const single: FakeScript = ([name, ...args]) => {
  switch (name) {
    case 'PING':
      return '+PONG\r\n';
    case 'CLUSTER':
      return NO_CLUSTER;
    case 'INFO':
      return bulk('role:master\r\n');
    case 'HSTRLEN':
      return ':0\r\n';
    case 'HMGET':
      return array(args.slice(1).map(() => '$-1\r\n'));
    case 'EVALSHA':
    case 'EVAL':
      return WRITTEN;
    default:
      return '+OK\r\n';
  }
};

/** Returns a script with its own replies to some commands, and otherwise those of {@link single}. */
export function instead(replies: Readonly<Record<string, FakeScript | FakeReply>>): FakeScript {
  return (command, connection) => {
    const [name = ''] = command;
    if (!Object.hasOwn(replies, name)) return single(command, connection);
    const reply = replies[name];
    return typeof reply === 'function' ? reply(command, connection) : reply;
  };
}

/** Returns the reply to CLUSTER SLOTS for ranges such as `[0, 16383, server]`. */
export function slots(ranges: readonly (readonly [number, number, FakeRedis])[]): string {
  return array(
    ranges.map(([first, last, { port }]) =>
      array([`:${first}\r\n`, `:${last}\r\n`, array([bulk('127.0.0.1'), `:${port}\r\n`])]),
    ),
  );
}

export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

export function array(items: readonly string[]): string {
  return `*${items.length}\r\n${items.join('')}`;
}

const HOUSEKEEPING = new Set(['PING', 'SELECT', 'CLUSTER', 'INFO', 'SCRIPT', 'AUTH', 'auth']);

/** Returns the first complete command of the text, an array of bulk strings, if it has arrived. */
function firstCommand(text: string): { command: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  const command: string[] = [];
  let at = head[0].length;
  while (command.length < Number(head[1])) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (size === null) return undefined;
    const start = at + size[0].length;
    at = start + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    command.push(text.slice(start, at - 2));
  }
  return { command, length: at };
}
