import { Budget } from '@kvs/server';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { BodyReader } from './body.js';
import { RequestMemory } from './request-memory.js';

it.each([
  ['with a length', { 'content-length': '6' }],
  ['without a length', { 'transfer-encoding': 'chunked' }],
])('a body %s keeps none of its small chunks', (_, headers) => {
  const admission = new Budget({ maxInFlightRequests: 1, maxInFlightBytes: 1000 }).admissionOf('http');
  const request = Object.assign(new IncomingMessage(new Socket()), { headers });
  const response = new ServerResponse(request);
  const bodies: string[] = [];
  new BodyReader(1000).read(request, response, new RequestMemory(admission), (bytes) => {
    bodies.push(Buffer.from(bytes).toString());
  });
  request.emit('data', Buffer.from('a'));
  const chunk = Buffer.alloc(1);
  // If the reader kept this chunk, writing the next byte into it would change the body.
  for (const byte of 'bcdef') request.emit('data', chunk.fill(byte));
  if (!('content-length' in headers)) request.emit('end');
  expect(bodies).toEqual(['abcdef']);
});
