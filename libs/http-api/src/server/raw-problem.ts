import { STATUS_CODES } from 'node:http';
import { PROBLEM_MEDIA_TYPE, problemOf, type KvsError } from '@kvs/protocol';
import { RETRY_AFTER_SECONDS } from '@kvs/protocol/nest';

/**
 * Returns the text of the last answer of a connection that has no response object. The answer is a problem.
 *
 * @param headers lines such as `upgrade: x`, and the line `connection`
 */
export function rawProblem(error: KvsError, headers: readonly string[] = ['connection: close']): string {
  const body = JSON.stringify(problemOf(error));
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    'x-content-type-options: nosniff',
    ...(error.status === 503 ? [`retry-after: ${RETRY_AFTER_SECONDS}`] : []),
    `content-length: ${Buffer.byteLength(body)}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
}
