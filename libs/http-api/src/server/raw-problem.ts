import { STATUS_CODES } from 'node:http';
import { PROBLEM_MEDIA_TYPE, problemOf, type KvsError } from '@kvs/protocol';

/**
 * A whole answer with a problem, for where there is no response object to write to, only the connection. It is the
 * connection's last.
 *
 * @param headers lines such as `upgrade: x`; `connection` is among them if it says more than that it closes
 */
export function rawProblem(error: KvsError, headers: readonly string[] = ['connection: close']): string {
  const body = JSON.stringify(problemOf(error));
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    'x-content-type-options: nosniff',
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
}
