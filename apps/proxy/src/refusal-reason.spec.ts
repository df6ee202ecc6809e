import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { refusalReason } from './refusal-reason.js';

let server: Server;
let address: string;
let answer: (response: ServerResponse) => void;
const paths: (string | undefined)[] = [];

beforeEach(async () => {
  paths.length = 0;
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

const ask = (status = 404, timeoutMs = 60_000) => refusalReason(address, status, timeoutMs);

const noNode = { failure: 'unconnected', message: 'it is not a storage node' };

it('is that the address is a proxy, as the status says, and nobody is asked', async () => {
  expect(await ask(508)).toMatchObject({ failure: 'loop' });
  expect(paths).toEqual([]);
});

it('is that the address is a proxy, as it says when it is asked', async () => {
  answer = (response) => void response.writeHead(508).end();
  expect(await ask()).toMatchObject({ failure: 'loop' });
  expect(paths).toEqual(['/stats']);
});

it('is that the storage node has another version of the link', async () => {
  answer = (response) => response.end('{"engine":"memory","keys":12}');
  expect(await ask(426)).toMatchObject({
    failure: 'unconnected',
    message: expect.stringContaining('another version'),
  });
});

it.each([
  ['is not of the protocol', 200, '{}'],
  ['is an error', 500, '{"engine":"memory","keys":12}'],
  ['is a redirection', 302, ''],
])('is that the address is no storage node if the answer %s', async (_, status, body) => {
  answer = (response) => void response.writeHead(status, { location: '/stats' }).end(body);
  expect(await ask()).toMatchObject(noNode);
  expect(paths).toHaveLength(1);
});

it('is that the address is no storage node if the answer has no end, which is read no further than it is of use', async () => {
  const answered = new Promise<ServerResponse>((resolve) => {
    answer = (response) => {
      const more = (): void => void (response.destroyed || response.write('['.repeat(1000), more));
      more();
      resolve(response);
    };
  });
  expect(await ask()).toMatchObject(noNode);
  const response = await answered;
  if (!response.destroyed) await once(response, 'close');
});

it('is that the address is no storage node if it does not answer in time', async () => {
  answer = () => undefined;
  expect(await ask(404, 30)).toMatchObject(noNode);
});

it('is that the address is no storage node if there is no connection any more', async () => {
  await stop();
  expect(await ask()).toMatchObject(noNode);
});
