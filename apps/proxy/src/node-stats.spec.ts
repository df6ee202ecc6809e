import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TransportError, type TransportFailure } from '@kvs/router';
import { HttpService } from '@nestjs/axios';
import { LoopedNodes } from './looped-nodes.js';
import { fetchStats } from './node-stats.js';

let server: Server;
let address: string;
let answer: (response: ServerResponse) => void;
const paths: (string | undefined)[] = [];
let logged: string[];
let loops: LoopedNodes;

beforeEach(async () => {
  paths.length = 0;
  logged = [];
  loops = new LoopedNodes({ error: (_: unknown, text?: string) => void logged.push(text ?? '') });
  server = createServer((request, response) => {
    paths.push(request.url);
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(stop);

function stop(): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const ask = (timeoutMs = 60_000) => fetchStats(new HttpService(), address, timeoutMs, loops);

async function failureOf(promise: Promise<unknown>): Promise<TransportFailure> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof TransportError) return error.failure;
  throw new TypeError('no transport error', { cause: error });
}

it('is what the node says', async () => {
  answer = (response) => response.end('{"engine":"memory","keys":12}');
  expect(await ask()).toEqual({ engine: 'memory', keys: 12 });
  expect(paths).toEqual(['/stats']);
});

it.each([
  ['is not of the protocol', 200, '{}'],
  ['is an error', 500, '{"engine":"memory","keys":12}'],
  ['is a redirection', 302, ''],
])('is not known when the answer %s', async (_, status, body) => {
  answer = (response) => void response.writeHead(status, { location: '/stats' }).end(body);
  expect(await failureOf(ask())).toBe('refused');
  expect(paths).toHaveLength(1);
});

it('is not known when the answer has no end, which is read no further than it is of use', async () => {
  const answered = new Promise<ServerResponse>((resolve) => {
    answer = (response) => {
      const more = (): void => void (response.destroyed || response.write('['.repeat(1000), more));
      more();
      resolve(response);
    };
  });
  expect(await failureOf(ask())).toBe('refused');
  const response = await answered;
  if (!response.destroyed) await once(response, 'close');
});

it.each([
  ['with a length', { 'content-length': '28' }],
  ['in chunks', {}],
])('is not known when the node dies while it answers %s', async (_, headers) => {
  answer = (response) => {
    response.writeHead(200, headers).write('{"engine":', () => response.destroy());
  };
  expect(await failureOf(ask())).toBe('broken');
});

it('names a node that is a proxy, in the log once, until it is a storage node', async () => {
  answer = (response) => void response.writeHead(508).end();
  for (let i = 0; i < 3; i++) expect(await failureOf(ask())).toBe('loop');
  expect(logged).toEqual([`${address} is a proxy, not a storage node`]);
  expect(loops.describe()).toContain(address);
  answer = (response) => response.end('{"engine":"memory","keys":12}');
  await ask();
  expect(loops.describe()).toBeUndefined();
});

it('is not known when the node does not answer in time', async () => {
  answer = () => undefined;
  expect(await failureOf(ask(30))).toBe('timeout');
});

it('is not known when there is no connection', async () => {
  await stop();
  expect(await failureOf(ask())).toBe('unconnected');
});
