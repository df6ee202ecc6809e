import type { ServerResponse } from 'node:http';
import type { WireAnswer } from '@kvs/protocol';
import { RETRY_AFTER_SECONDS } from '@kvs/protocol/nest';

/** The content type of JSON text. */
export const JSON_TYPE = 'application/json; charset=utf-8';

export function sendJson(response: ServerResponse, { status, body }: WireAnswer<unknown>): void {
  const text = JSON.stringify(body);
  const bytes = Buffer.byteLength(text);
  const headers = [
    'x-content-type-options',
    'nosniff',
    'content-type',
    JSON_TYPE,
    'content-length',
    String(bytes),
  ];
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS);
  // Node is fastest with a list of headers and with `write` before `end`: `end(text)` writes twice and corks both.
  response.writeHead(status, headers);
  response.write(text, bytes === text.length ? 'latin1' : 'utf8');
  response.socket?.uncork();
  response.end();
}
