import type { ServerResponse } from 'node:http';
import type { WireAnswer } from '@kvs/protocol';
import { RETRY_AFTER_SECONDS } from '@kvs/protocol/nest';

export function sendJson(response: ServerResponse, { status, body }: WireAnswer<unknown>): void {
  const text = JSON.stringify(body);
  const headers = ['content-type', 'application/json; charset=utf-8'];
  headers.push('content-length', String(Buffer.byteLength(text)));
  if (status === 503) headers.push('retry-after', RETRY_AFTER_SECONDS);
  // Headers as a list, and head and body in one piece: Node is quickest this way.
  response.writeHead(status, headers);
  response.end(text);
}
