import type { Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KvsError, type ErrorCode } from '@kvs/protocol';
import { closeInStages, refuse } from './closing.js';
import { rawProblem } from './raw-problem.js';
import { afterAnswers, excuseHeaders } from './request-order.js';

/** Answers bytes that are not HTTP with a problem, after the earlier requests on the connection. */
export function answerProtocolErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    // The client is not late if the server has stopped reading. Node would not time these headers again.
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket instanceof Socket && socket.isPaused()) {
      excuseHeaders(socket, () => server.emit('clientError', error, socket));
      return;
    }
    if (error.code === 'ECONNRESET' || !socket.writable || !(socket instanceof Socket)) socket.destroy();
    else
      afterAnswers(socket, (unanswered) => {
        if (unanswered) refuse(unanswered, problemOf(error));
        else closeInStages(socket, rawProblem(problemOf(error)));
      });
  });
}

/** Our codes for errors of Node's parser; all others mean that the bytes are not HTTP. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  HPE_INVALID_TRANSFER_ENCODING: 'not_implemented',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

function problemOf({ code = '', message }: NodeJS.ErrnoException): KvsError {
  // Node uses one code for an unknown coding and for a body that also has a length.
  const isAmbiguous = message.includes('Content-Length');
  const known = isAmbiguous ? undefined : CODES[code];
  return new KvsError(known ?? 'invalid_request', `this is not valid HTTP: ${message}`);
}
