import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { KvsError, PROBLEM_MEDIA_TYPE, problemOf, type Limits } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';
import type { RequestTracker } from '../metrics/track-requests.js';

/** Answers as problems too what never becomes a request: bytes that are not HTTP, and bodies not worth sending. */
export function answerProtocolErrors(server: Server, limits: Limits, track: RequestTracker): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else socket.end(rawProblem(error));
  });
  // curl, for one, asks before it sends more than a megabyte: what is too large need not be sent at all.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) > limits.maxBodyBytes) {
      track(request, response);
      response.setHeader('connection', 'close');
      const detail = `a body has at most ${limits.maxBodyBytes} bytes`;
      sendProblem(response, new KvsError('body_too_large', detail));
    } else {
      response.writeContinue();
      server.emit('request', request, response);
    }
  });
}

/** Node's own statuses for these errors. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** There is no response object to write to, only the connection. */
function rawProblem(error: NodeJS.ErrnoException): string {
  const status = STATUS_BY_CODE[error.code ?? ''] ?? 400;
  const problem = problemOf(new KvsError('invalid_request', `this is not valid HTTP: ${error.message}`));
  const body = JSON.stringify({ ...problem, status });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
