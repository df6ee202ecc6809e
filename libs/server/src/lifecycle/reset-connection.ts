import type { Socket } from 'node:net';

/**
 * Breaks a connection, so that the other side gets an error in place of an end. Node fails to reset a socket whose end is just being
 * sent: it would never free the socket, and be busy forever at the exit of the process. Such a socket is closed.
 */
export function resetConnection(socket: Socket): void {
  const isSendingEnd = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished;
  // One that connects may send its end as soon as it is connected.
  if (socket.connecting || isSendingEnd) socket.destroy();
  else socket.resetAndDestroy();
}
