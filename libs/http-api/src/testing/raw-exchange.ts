import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Returns the bytes of a request, with a length unless the headers say how the body ends. */
export function requestBytes({ method, path, headers = {}, body = '' }: RawRequest): Buffer {
  const bytes = Buffer.from(body);
  const all = {
    host: 'test',
    ...(bytes.length > 0 && headers['transfer-encoding'] === undefined
      ? { 'content-length': String(bytes.length) }
      : undefined),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), bytes]);
}

/** One chunk with all of a body in it. */
export function chunked(body: string): string {
  return `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

/**
 * Everything that a server answers to requests sent without waiting in between. The last asks it to close the connection,
 * by which the answers end.
 */
export async function exchange(port: number, requests: readonly RawRequest[]): Promise<string> {
  const last = requests.length - 1;
  const bytes = requests.map((request, i) =>
    requestBytes(i === last ? { ...request, headers: { connection: 'close', ...request.headers } } : request),
  );
  return exchangeBytes(port, [Buffer.concat(bytes)]);
}

/** Returns all that a server answers to these chunks until it closes the connection, with a turn of the event loop between two chunks. */
export async function exchangeBytes(port: number, chunks: readonly Uint8Array[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  // A server that refuses a body may close while it is being sent.
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  for (const chunk of chunks) {
    socket.write(chunk);
    await setImmediate();
  }
  await closed;
  return Buffer.concat(parts).toString();
}

/** An answer with its headers in one order, and without what differs from one moment to the next. */
export function comparable(answers: string): string {
  return answers.replaceAll(HEAD, (_, status: string, headers: string) => {
    const lines = headers.split('\r\n').filter((line) => !/^(date:|$)/i.test(line));
    return [status, ...lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase())).sort()].join(
      '\n',
    );
  });
}

const HEAD = /(HTTP\/1\.1 [^\r\n]*)\r\n((?:[^\r\n]+\r\n)*)(?=\r\n)/g;
