import type { ServerResponse } from 'node:http';
import type { WireAnswer } from '@kvs/protocol';
import { RETRY_AFTER_SECONDS } from '@kvs/protocol/nest';

export function sendJson(response: ServerResponse, { status, body }: WireAnswer<unknown>): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.statusCode = status;
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.setHeader('content-length', bytes.length);
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  response.end(bytes);
}
