import { createServer, type ServerResponse } from 'node:http';
import { announce, BareStore } from './bare-store.js';

/**
 * The yardstick: node:http, JSON in and out with the bodies of kvs, a Map, and nothing else. It answers in the request's
 * `end` event, or with `--deferred` one setImmediate later.
 */

const store = new BareStore();
const isDeferred = process.argv.includes('--deferred');

const answers: Readonly<Record<string, (body: string) => unknown>> = {
  'PUT /set': (body) => store.set(JSON.parse(body)),
  'POST /fetch': (body) => store.fetch(JSON.parse(body)),
  'POST /query': (body) => store.query(JSON.parse(body)),
  'GET /fetch': () => store.all(),
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

server.listen(0, 'localhost', () => announce(server));
