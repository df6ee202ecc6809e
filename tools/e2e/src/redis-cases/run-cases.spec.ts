import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { startInProcess, type InProcessRedis } from '../support/in-process-redis.js';
import { readCases } from './case-file.js';
import { runCases } from './run-cases.js';

const CASES = JSON.stringify([
  {
    name: 'a',
    command: ['set k "a  b"', 'get k', 'get other'],
    result: ['OK', 'a  b', null],
    since: '1.0.0',
  },
  { name: 'b', command: ['strlen k'], result: [0], since: '1.0.0' },
  { name: 'c', command: ['set k v', 'incr k'], result: ['OK', 1], since: '1.0.0' },
  { name: 'd', command: ['mset x 1 y 2', 'keys *'], result: ['OK', ['y', 'x']], sort_result: true },
  { name: 'e', command: ['multi', 'set k é', 'exec'], result: ['OK', 'QUEUED', ['NO']], tags: 'standalone' },
  { name: 'f', command: ['set k v', 'NoSuch k'], result: ['OK', 'OK'] },
  { name: 'g', command: ['get k'], result: [null], tags: 'cluster' },
  { name: 'h', command: ['get k'], result: ['wrong'], skipped: true },
  { name: 'i', command: ['get \\x00'], result: ['wrong'], command_binary: true },
]);

let server: InProcessRedis;
beforeAll(async () => {
  server = await startInProcess({ later: false });
});
afterAll(() => server.close());

it('cases pass, fail or are left out, and each begins with an empty server', async () => {
  const address = `127.0.0.1:${server.port}`;
  expect(await runCases(readCases(CASES), { address, isCluster: false })).toEqual([
    { name: 'a', result: 'passed' },
    { name: 'b', result: 'passed' },
    {
      name: 'c',
      result: 'failed',
      reason: 'incr k: {"error":"ERR value is not an integer or out of range"} in place of 1',
    },
    { name: 'd', result: 'passed' },
    { name: 'e', result: 'failed', reason: 'exec: ["OK"] in place of ["NO"]' },
    { name: 'f', result: 'left out', reason: 'there is no nosuch' },
  ]);
});

it('in a cluster, commands go where MOVED says, and cases for servers by themselves do not run', async () => {
  const redirecting = createServer((socket) => {
    socket.on('data', (chunk) => {
      const isAboutKeys = /\b(get|set|strlen|incr|mset)\b/.test(chunk.toString());
      if (isAboutKeys) socket.write(`-MOVED 1 127.0.0.1:${server.port}\r\n`);
      else if (chunk.includes('COMMAND')) socket.write('*3\r\n$3\r\nset\r\n$3\r\nget\r\n$6\r\nstrlen\r\n');
      else socket.write('+OK\r\n');
    });
  }).listen(0, '127.0.0.1');
  await once(redirecting, 'listening');
  const { port } = redirecting.address() as AddressInfo;
  const results = await runCases(readCases(CASES), { address: `127.0.0.1:${port}`, isCluster: true });
  redirecting.close();
  expect(results.map(({ name, result }) => `${name} ${result}`)).toEqual([
    'a passed',
    'b passed',
    'c left out',
    'd left out',
    'f left out',
    'g passed',
  ]);
});

it('a file of another format is refused', () => {
  expect(() => readCases('{}')).toThrow('a file of cases is an array');
  expect(() => readCases('[{"name":"a"}]')).toThrow('no case: {"name":"a"}');
  expect(() => readCases('[{"name":"a","command":["get k"],"result":[]}]')).toThrow(
    'a reply for each command',
  );
});
