import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const LAST_RESPONSE = Symbol('last response');

interface OrderedSocket extends Socket {
  [LAST_RESPONSE]?: ServerResponse;
}

/**
 * Starts a request when those before it on the same connection are answered. A client may send several without waiting
 * (pipelining, RFC 9112, section 9.3.2), and may expect that a read sees the write before it. Node keeps only the
 * order of the answers.
 */
export function startInOrder(request: IncomingMessage, response: ServerResponse, start: () => void): void {
  const socket: OrderedSocket = request.socket;
  const before = socket[LAST_RESPONSE];
  socket[LAST_RESPONSE] = response;
  // Node gives a response the socket as soon as it is the first in line.
  if (before === undefined || response.socket !== null) {
    start();
    return;
  }
  before.once('close', () => {
    if (!socket.destroyed) start();
    else abandon(response);
  });
}

/** When a connection is cut, Node closes the response that has the socket and forgets those that wait for it. */
function abandon(response: ServerResponse): void {
  response.destroy();
  response.emit('close');
}
