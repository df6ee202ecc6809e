import { isNativeError } from 'node:util/types';
import { PROBLEM_MEDIA_TYPE } from '@kvs/protocol';
import { TransportError } from '@kvs/router';
import { errors, Pool } from 'undici';
import { readProblem, type NodeAnswer } from './node-answers.js';

/** Shorter than a node keeps them, so that the proxy is the one to close and never writes into a closing one. */
const IDLE_CONNECTION_MS = 30_000;

/** A pool of kept-alive connections. Time is kept by whoever asks, for undici's own is counted in seconds. */
export function connectionPool(address: string, connections: number | null): Pool {
  return new Pool(`http://${address}`, {
    connections,
    pipelining: 1,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

export interface HttpBatch {
  readonly method: 'PUT' | 'POST';
  readonly path: string;
  readonly body: string;
}

/** What a node answered to a batch. */
export interface HttpAnswer {
  readonly status: number;
  readonly answer: NodeAnswer;
}

/**
 * Sends a batch and reads the answer to its end.
 *
 * @throws TransportError
 */
export async function exchange(
  pool: Pool,
  address: string,
  { method, path, body }: HttpBatch,
  timeoutMs: number,
): Promise<HttpAnswer> {
  return withTimeout(timeoutMs, async (signal) => {
    const headers = { 'content-type': 'application/json' };
    const response = await pool.request({ method, path, headers, body, signal });
    const text = await response.body.text();
    const isProblem = String(response.headers['content-type']).startsWith(PROBLEM_MEDIA_TYPE);
    return { status: response.statusCode, answer: isProblem ? readProblem(address, text) : text };
  });
}

/**
 * Gives up after so long.
 *
 * @throws TransportError
 */
export async function withTimeout<T>(
  timeoutMs: number,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), timeoutMs);
  try {
    return await ask(timer.signal);
  } catch (error) {
    if (timer.signal.aborted) {
      throw new TransportError('timeout', `no answer within ${timeoutMs} ms`, { cause: error });
    }
    throw transportError(error);
  } finally {
    clearTimeout(timeout);
  }
}

/** Errors that mean that no connection came about, and so that nothing was sent. */
const UNCONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function transportError(error: unknown): Error {
  if (error instanceof errors.HTTPParserError) {
    return new TransportError('broken', 'the answer is not HTTP', { cause: error });
  }
  if (!isNativeError(error)) return new TypeError('something was thrown that is no error', { cause: error });
  if (!('code' in error) || typeof error.code !== 'string') return error; // no failure of the network: a defect
  const { code } = error;
  if (UNCONNECTED.has(code))
    return new TransportError('unconnected', `no connection (${code})`, { cause: error });
  return new TransportError('broken', `the connection broke (${code})`, { cause: error });
}
