import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The yardstick: node:http, JSON in and out with the bodies of kvs, a Map, and nothing else. Nothing is checked, and a
 * key's encoding is no part of it. It answers in the request's `end` event, or with `--deferred` one setImmediate later.
 */

interface Text {
  readonly encoding: string;
  readonly data: string;
}

const pairs = new Map<string, Text>();
const isDeferred = process.argv.includes('--deferred');

const answers: Readonly<Record<string, (body: string) => unknown>> = {
  'PUT /set': (body) => {
    const items: { key: Text; value: Text }[] = JSON.parse(body);
    for (const { key, value } of items) pairs.set(key.data, value);
    return { keys_added: items.length, keys_failed: [] };
  },
  'POST /fetch': (body) => {
    const keys: Text[] = JSON.parse(body);
    return keys.map((key) => ({ key, value: pairs.get(key.data) ?? null }));
  },
  'POST /query': (body) => {
    const keys: Text[] = JSON.parse(body);
    return keys.map((key) => ({ key, value: pairs.has(key.data) }));
  },
  'GET /fetch': () => {
    return Array.from(pairs, ([data, value]) => ({ key: { encoding: 'string', data }, value }));
  },
};

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const reply = (): void => answer(`${request.method} ${request.url}`, body, response);
    if (isDeferred) setImmediate(reply);
    else reply();
  });
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

server.listen(0, 'localhost', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`listening on http://localhost:${port}\n`);
});
