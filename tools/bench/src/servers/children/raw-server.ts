import { createServer, type ServerResponse } from 'node:http';
import { announce } from './announce.js';

/** The yardstick: node:http with the routes and bodies of kvs on a Map. It checks nothing, and ignores encodings. */

interface Text {
  readonly encoding: string;
  readonly data: string;
}

const pairs = new Map<string, Text>();

const answers: Readonly<Record<string, (body: string) => unknown>> = {
  'PUT /set': (body) => {
    const items: { readonly key: Text; readonly value: Text }[] = JSON.parse(body);
    for (const { key, value } of items) pairs.set(key.data, value);
    return { keys_added: items.length, keys_failed: [] };
  },
  'POST /fetch': (body) => keysIn(body).map((key) => ({ key, value: pairs.get(key.data) ?? null })),
  'POST /query': (body) => keysIn(body).map((key) => ({ key, value: pairs.has(key.data) })),
};

function keysIn(body: string): Text[] {
  const keys: Text[] = JSON.parse(body);
  return keys;
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => answer(`${request.method} ${request.url}`, body, response));
});

function answer(route: string, body: string, response: ServerResponse): void {
  const found = answers[route];
  if (found === undefined) {
    response.writeHead(404).end();
    return;
  }
  const text = JSON.stringify(found(body));
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

server.listen(0, 'localhost', () => announce(server));
