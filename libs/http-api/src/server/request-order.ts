import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const LAST_RESPONSE = Symbol('last response');

interface OrderedSocket extends Socket {
  /** Of the last request that came, until it is answered. */
  [LAST_RESPONSE]?: ServerResponse | undefined;
}

/**
 * Starts a request when those before it on the same connection are answered. A client may send several without waiting
 * (pipelining, RFC 9112, section 9.3.2), and may expect that a read sees the write before it. Node keeps only the
 * order of the answers. What comes behind an answer that closes the connection is never started: nobody would hear of it.
 */
export function startInOrder(request: IncomingMessage, response: ServerResponse, start: () => void): void {
  const socket: OrderedSocket = request.socket;
  const before = socket[LAST_RESPONSE];
  socket[LAST_RESPONSE] = response;
  response.on('close', () => {
    // A connection that is kept must not keep its last request too.
    if (socket[LAST_RESPONSE] === response) socket[LAST_RESPONSE] = undefined;
  });
  const startNow = (): void => {
    if (isEnding(socket)) abandon(response);
    else start();
  };
  if (before === undefined) startNow();
  else before.on('close', startNow);
}

/**
 * Has a connection taken out of HTTP when what was asked on it is answered; not at all if it ends with that. A request that
 * has not come whole by then never will, and is not waited for.
 */
export function afterAnswers(socket: Socket, proceed: () => void): void {
  const { [LAST_RESPONSE]: last }: OrderedSocket = socket;
  if (last === undefined || (!last.req.complete && last.socket !== null && !last.headersSent)) {
    proceed();
    return;
  }
  if (!last.req.complete) {
    socket.destroy();
    return;
  }
  last.on('close', () => {
    if (isEnding(socket)) socket.destroy();
    else proceed();
  });
}

function isEnding(socket: Socket): boolean {
  return socket.destroyed || socket.writableEnded;
}

/** When a connection ends, Node closes the response that has the socket and forgets those that wait for it. */
function abandon(response: ServerResponse): void {
  // One that was answered before it was its turn, by a refusal, may have gone out in the meantime.
  if (response.socket !== null || response.writableFinished) return;
  response.destroy();
  response.emit('close');
}
