import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';

export interface ClosingLimits {
  /** The server cuts a client that does not close its side of the connection within this time, in milliseconds. */
  readonly maxMs: number;
  /** The server cuts a client that goes on to send more bytes than this. */
  readonly maxBytes: number;
}

const CLOSING_LIMITS: ClosingLimits = { maxMs: 30_000, maxBytes: 64 * 1024 * 1024 };

/** Answers a request with an error, without reading the rest of it, and closes the connection. */
export function refuse(response: ServerResponse, reason: KvsError): void {
  const { req } = response;
  // The body reader stops, and what it has read is freed.
  req.removeAllListeners('data').removeAllListeners('end');
  req.socket.destroySoon = () => closeInStages(req.socket);
  response.setHeader('connection', 'close');
  response.setHeader('x-content-type-options', 'nosniff');
  sendProblem(response, reason);
}

/**
 * Closes a connection whose client may still be sending. After an immediate close, the kernel would answer the next bytes
 * with a reset, and a client that is reset loses an answer that it has not read. So the server closes its sending half,
 * and discards what arrives until the client closes too (RFC 9112, section 9.6).
 *
 * @param last is sent before the connection closes
 */
export function closeInStages(socket: Socket, last = '', limits = CLOSING_LIMITS): void {
  const { maxMs, maxBytes } = limits;
  socket.end(last);
  // Only Node's HTTP parser can resume a socket that it has paused.
  if (socket.isPaused()) socket.once('resume', () => discard(socket, maxBytes)).resume();
  else discard(socket, maxBytes);
  const timer = setTimeout(() => socket.destroy(), maxMs).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Reads on in place of the HTTP parser. */
function discard(socket: Socket, maxBytes: number): void {
  let left = maxBytes;
  socket.removeAllListeners('data');
  socket.on('data', ({ length }: Uint8Array) => {
    left -= length;
    if (left < 0) socket.destroy();
  });
}
