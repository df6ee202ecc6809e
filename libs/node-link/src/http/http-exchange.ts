import { PROBLEM_MEDIA_TYPE, PROXY_VIA } from '@kvs/protocol';
import { LOOP_STATUS, loopError } from '../loop.js';
import type { HttpAttempt } from './http-attempt.js';
import { readProblem, type NodeAnswer } from './node-answers.js';

export interface HttpBatch {
  readonly method: 'PUT' | 'POST';
  readonly path: string;
  readonly body: string;
}

/** What a node answered to a batch. */
export interface HttpAnswer {
  readonly answer: NodeAnswer;
  readonly status: number;
  /** Whether nothing was done, because of what the request is like. */
  readonly isRefused: boolean;
  /** How long the answer was, in UTF-16 units. */
  readonly units: number;
}

/**
 * Sends a batch and reads the answer to its end.
 *
 * @throws TransportError for a proxy's answer; and whatever `attempt.failure` can tell the meaning of
 */
export async function exchange(
  attempt: HttpAttempt,
  address: string,
  { method, path, body }: HttpBatch,
): Promise<HttpAnswer> {
  const headers = { 'content-type': 'application/json', via: PROXY_VIA };
  const response = await attempt.request({ method, path, headers, body });
  const text = await response.body.text();
  if (response.statusCode === LOOP_STATUS) throw loopError();
  const isProblem = String(response.headers['content-type']).startsWith(PROBLEM_MEDIA_TYPE);
  const answer = isProblem ? readProblem(address, text) : text;
  const status = response.statusCode;
  const isRefused = isProblem ? status >= 400 && status < 500 : REFUSALS_ON_THE_WAY.has(status);
  return { answer, status, isRefused, units: text.length };
}

/** What a server between here and the node says of a request that it does not pass on. */
const REFUSALS_ON_THE_WAY: ReadonlySet<number> = new Set([400, 413, 414, 431]);
