import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { HttpService } from '@nestjs/axios';
import { newTopology, topologyAnswerToJson } from '@kvs/topology';
import { boot, reportOf } from '@kvs/topology/testing';
import { ControlPlaneClient } from './control-plane-client.js';
import { ControlPlaneError } from './control-plane-error.js';

const topology = newTopology({ clusterId: 'c', copies: 1, minInSync: 1 });
const ANSWER: Readonly<Record<string, unknown>> = JSON.parse(topologyAnswerToJson({ topology, timeMs: 5 }));
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
});

/** A proxy that gives one answer to everything, and notes what it was asked. */
async function startProxy(status: number, body: unknown): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((text) => {
      asked.push(`${request.method} ${request.url} ${text}`);
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function clientOf(...proxies: string[]): ControlPlaneClient {
  const requester = { bootId: boot('b'), clusterId: 'c', revision: 3 };
  return new ControlPlaneClient(new HttpService(), proxies, () => requester);
}

it('requests say what the node knows', async () => {
  const proxy = await startProxy(200, ANSWER);
  const client = clientOf(proxy.url);
  expect(await client.readTopology()).toEqual({ topology, timeMs: 5 });
  await client.askForChanges([{ partition: 1, epoch: 2, change: { kind: 'rewrite' } }]);
  const request = '{"partition":1,"epoch":2,"change":{"kind":"rewrite"}}';
  expect(proxy.asked).toEqual([
    'GET /cluster/topology ',
    `POST /cluster/entries {"clusterId":"c","revision":3,"by":"b","requests":[${request}]}`,
  ]);
});

it('a proxy that cannot answer is passed over, and the one that did is asked first from then on', async () => {
  const failing = await startProxy(503, { code: 'store_unavailable', detail: 'd' });
  const good = await startProxy(200, ANSWER);
  const client = clientOf(failing.url, good.url);
  await client.readTopology();
  await client.readTopology();
  expect([failing.asked.length, good.asked.length]).toEqual([1, 2]);
});

it('a proxy that gives no answer in time is named', async () => {
  const proxy = await startProxy(200, ANSWER);
  jest.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(AbortSignal.abort());
  await expect(clientOf(proxy.url).readTopology()).rejects.toThrow(
    `${proxy.url} gave no answer within 2000 ms`,
  );
});

it('a proxy that invites the node is asked after the one that answered last', async () => {
  const [preferred, older, inviting] = [
    await startProxy(200, ANSWER),
    await startProxy(200, ANSWER),
    await startProxy(200, ANSWER),
  ];
  const client = clientOf(preferred.url, older.url);
  client.add(inviting.url);
  await client.readTopology();
  expect([preferred.asked.length, inviting.asked.length]).toEqual([1, 0]);
  servers[0]?.closeAllConnections();
  await new Promise((done) => servers.shift()?.close(done));
  await client.readTopology();
  expect([older.asked.length, inviting.asked.length]).toEqual([0, 1]);
});

it('the first proxies are kept, and the last 8 of the others', async () => {
  const given = await startProxy(503, {});
  const learned = [];
  for (let count = 0; count < 10; count++) learned.push(await startProxy(503, {}));
  const client = clientOf(given.url);
  for (const { url } of learned) client.add(url);
  await expect(client.readTopology()).rejects.toThrow('no proxy answers');
  expect(learned.map(({ asked }) => asked.length)).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
  expect(given.asked.length).toBe(1);
});

it('a refusal is not repeated at the next proxy', async () => {
  const refusing = await startProxy(409, { code: 'outdated_directory', detail: 'a backup' });
  const other = await startProxy(200, ANSWER);
  const client = clientOf(refusing.url, other.url);
  const error = await client.readTopology().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ControlPlaneError);
  expect(error).toMatchObject({ code: 'outdated_directory', message: expect.stringContaining('a backup') });
  expect(other.asked).toEqual([]);
});

it.each([
  ['has no topology', 404, { code: 'not_found', detail: 'no such path' }],
  ['is of another cluster', 409, { code: 'wrong_cluster', detail: 'this is another one' }],
  ['does not understand the request', 400, { code: 'invalid_shape', detail: 'zone is not a text' }],
  ['is no proxy of kvs', 401, 'who are you?'],
])('a proxy that %s is passed over', async (_, status, body) => {
  const [other, good] = [await startProxy(status, body), await startProxy(200, ANSWER)];
  expect(await clientOf(other.url, good.url).readTopology()).toMatchObject({ timeMs: 5 });
  await expect(clientOf(other.url, 'http://127.0.0.1:1').readTopology()).rejects.toThrow(
    `no proxy answers GET /cluster/topology: ${other.url} refused with ${status}`,
  );
});

it('an answer that makes no sense counts as none', async () => {
  const proxy = await startProxy(200, { topology: 'none' });
  await expect(clientOf(proxy.url).readTopology()).rejects.toThrow('no proxy answers');
});

it('proxies are gone if none listens, and may answer later if one refuses', async () => {
  const gone = await startProxy(200, ANSWER);
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
  const away = await startProxy(503, { code: 'store_unavailable', detail: 'd' });
  const failure = (...proxies: string[]) =>
    clientOf(...proxies)
      .readTopology()
      .catch((thrown: unknown) => thrown);
  expect(await failure(gone.url)).toMatchObject({ hasNoListener: true });
  expect(await failure(gone.url, away.url)).toMatchObject({ hasNoListener: false });
  expect(await failure(away.url, gone.url)).toMatchObject({ hasNoListener: false });
});

it('a request for a newer topology says which is known, and gets none with 204', async () => {
  const proxy = await startProxy(200, ANSWER);
  expect(await clientOf(proxy.url).newerTopology(0, new AbortController().signal)).toMatchObject({
    timeMs: 5,
  });
  expect(proxy.asked).toEqual(['GET /cluster/topology?after=0 ']);
  const quiet = await startProxy(204, undefined);
  expect(await clientOf(quiet.url).newerTopology(7, new AbortController().signal)).toBeUndefined();
});

it('a request for a newer topology passes over a proxy that cannot answer, and leaves the others their order', async () => {
  const failing = await startProxy(503, { code: 'overloaded', detail: 'd' });
  const good = await startProxy(200, ANSWER);
  const client = clientOf(failing.url, good.url);
  await client.newerTopology(0, new AbortController().signal);
  await client.newerTopology(0, new AbortController().signal);
  expect([failing.asked.length, good.asked.length]).toEqual([2, 2]);
});

it('a request for a newer topology ends with the node', async () => {
  const proxy = await startProxy(200, ANSWER);
  await expect(clientOf(proxy.url).newerTopology(0, AbortSignal.abort())).rejects.toThrow('no proxy answers');
});

it('the topology of another cluster counts as no answer', async () => {
  const other = newTopology({ clusterId: 'other', copies: 1, minInSync: 1 });
  const proxy = await startProxy(200, JSON.parse(topologyAnswerToJson({ topology: other, timeMs: 5 })));
  await expect(clientOf(proxy.url).readTopology()).rejects.toThrow('the cluster other');
});

const REPORT = reportOf(boot('b'));

it('reports go to the proxy that leads as soon as an answer names it, and other requests stay where they are', async () => {
  const leader = await startProxy(200, { revision: 1, timeMs: 5, orders: [] });
  const answer = { revision: 1, timeMs: 5, leader: leader.url, orders: [] };
  const proxy = await startProxy(200, answer);
  const client = clientOf(proxy.url);
  await client.report('node 1', REPORT);
  await client.report('node 1', REPORT);
  await expect(client.readTopology()).rejects.toThrow('no proxy answers');
  const report = expect.stringContaining('POST /cluster/nodes/node%201/status ');
  expect(proxy.asked).toEqual([report, 'GET /cluster/topology ']);
  expect(leader.asked).toEqual([report, 'GET /cluster/topology ']);
});

it('reports that the leader does not answer go to the first given proxy, whichever answered other requests', async () => {
  const leader = await startProxy(503, {});
  const report = { revision: 1, timeMs: 5, leader: leader.url, orders: [] };
  const first = await startProxy(200, report);
  const second = await startProxy(200, { ...report, ...ANSWER });
  const client = clientOf(first.url, second.url);
  await client.readTopology();
  await client.report('node 1', REPORT);
  await client.readTopology();
  await client.report('node 1', REPORT);
  const reportsAt = ({ asked }: typeof first) => asked.filter((request) => request.startsWith('POST')).length;
  expect([leader, first, second].map(reportsAt)).toEqual([1, 2, 0]);
});

it('other requests do not wait for a proxy that leads and does not answer', async () => {
  const leader = await startProxy(503, {});
  const proxy = await startProxy(200, {
    ...{ revision: 1, timeMs: 5, leader: leader.url, orders: [] },
    ...ANSWER,
  });
  const client = clientOf(proxy.url);
  await client.report('node 1', REPORT);
  await client.readTopology();
  expect(leader.asked).toEqual([]);
  await client.report('node 1', REPORT);
  await client.newerTopology(0, new AbortController().signal);
  expect(leader.asked).toHaveLength(1);
});
