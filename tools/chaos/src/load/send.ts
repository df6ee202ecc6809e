import { Agent, request } from 'node:http';
import { codeOf, isRecord } from '@kvs/protocol';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** No connection was made, so the server has done nothing. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}

/**
 * Sends a request with a JSON body. Unlike `fetch`, it never sends a request twice.
 *
 * @throws NotConnectedError if the server surely has not got it; another error if it may have
 */
export function send(method: string, url: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const sending = request(url, { method, agent, signal, headers: { 'content-type': 'application/json' } });
    sending.on('error', (error) => {
      const isRefused = codeOf(error) === 'ECONNREFUSED';
      reject(isRefused ? new NotConnectedError(error.message, { cause: error }) : error);
    });
    sending.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      // Without an end: the connection broke in the middle of the answer.
      response.on('close', () => reject(new Error('the answer breaks off')));
      response.on('error', reject);
    });
    sending.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Returns the fields of a JSON object, or none. */
export function fieldsIn(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
/** The time after which a client counts on no answer. */
const PATIENCE_MS = 15_000;
