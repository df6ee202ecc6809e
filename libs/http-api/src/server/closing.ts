import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';

/** How long a client may take to close a connection that the server has closed, in milliseconds. */
const MAX_CLOSING_MS = 30_000;
/** As much of a body that was refused is read. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

/** Answers a request with an error, without reading the rest of it, and closes the connection. */
export function refuse(response: ServerResponse, reason: KvsError): void {
  const { req } = response;
  // Nobody reads on, and what came of the body is freed.
  req.removeAllListeners('data').removeAllListeners('end');
  req.socket.destroySoon = () => closeInStages(req.socket);
  response.setHeader('connection', 'close');
  response.setHeader('x-content-type-options', 'nosniff');
  sendProblem(response, reason);
}

/**
 * Closes a connection whose client may still be sending. If it were closed at once, the next bytes would be answered by a
 * reset, at which clients lose the answer that they have not read yet. So its sending half is closed, and what comes is
 * thrown away until the client closes too (RFC 9112, section 9.6).
 *
 * @param last to send before
 */
export function closeInStages(socket: Socket, last = ''): void {
  socket.end(last);
  // Only Node's HTTP parser can resume a socket that it has paused.
  if (socket.isPaused()) socket.once('resume', () => discard(socket)).resume();
  else discard(socket);
  const timer = setTimeout(() => socket.destroy(), MAX_CLOSING_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Reads on in place of the HTTP parser. */
function discard(socket: Socket): void {
  let left = MAX_DISCARDED_BYTES;
  socket.removeAllListeners('data');
  socket.on('data', ({ length }: Uint8Array) => {
    left -= length;
    if (left < 0) socket.destroy();
  });
}
