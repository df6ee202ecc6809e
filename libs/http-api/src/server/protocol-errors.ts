import type { Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KvsError } from '@kvs/protocol';
import { rawProblem } from './raw-problem.js';
import { afterAnswers } from './request-order.js';

/** Answers as a problem too what never becomes a request: bytes that are not HTTP. What was asked before is answered first. */
export function answerProtocolErrors(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else if (socket instanceof Socket) afterAnswers(socket, () => void socket.end(answerTo(error)));
    else socket.end(answerTo(error));
  });
}

/** Node's own statuses for these errors. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function answerTo(error: NodeJS.ErrnoException): string {
  const status = STATUS_BY_CODE[error.code ?? ''] ?? 400;
  return rawProblem(new KvsError('invalid_request', `this is not valid HTTP: ${error.message}`), { status });
}
