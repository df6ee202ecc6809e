#!/usr/bin/env node
import { setTimeout } from 'node:timers/promises';
import { isPortFree } from '@kvs/protocol/testing';
import { portsOf, readOptions } from './options.js';
import { proxyScript, storageNodeScript } from './scripts.js';
import { ServerProcess } from './server-process.js';

const HOST = 'localhost';
const options = readOptions(process.argv.slice(2));
const { nodes, copies } = options;
const ports = portsOf(options);

await refuseBusyPorts([...ports.nodes, ports.proxy, ...ports.redisNodes, ports.redisProxy]);
const proxyUrl = `http://${HOST}:${ports.proxy}`;
const width = `node-${nodes}`.length;
const storageNodes = ports.nodes.map((nodePort, i) =>
  run(`node-${i + 1}`, storageNodeScript, [
    HOST,
    `${nodePort}`,
    '--redis-port',
    `${ports.redisNodes[i] ?? 0}`,
  ]),
);
const servers = [...storageNodes];
let stopping = false;
/** Everything stops, so nobody takes over, and no proxy answers. */
const NO_NEWS = / WARN: .*(were not handed over|cannot join its cluster or report)/;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
process.on('SIGUSR1', () => undefined); // by default Node opens its inspector
stopWithParent();
await startProxy();
await Promise.all(servers.map(({ exited }) => exited));
process.exit(stopping ? 0 : 1);

function run(name: string, script: string, args: readonly string[]): ServerProcess {
  const server = new ServerProcess({
    name,
    script,
    args: [...args, '--log-format', 'text'],
    onLine: (line) => {
      if (!stopping || !NO_NEWS.test(line)) print(name, line);
    },
  });
  void server.exited.then((exit) => reportExit(name, exit));
  return server;
}

function print(name: string, line: string): void {
  process.stdout.write(`${name.padEnd(width)} | ${line}\n`);
}

/** The proxy invites the nodes to its cluster, so they must listen first. */
async function startProxy(): Promise<void> {
  try {
    await Promise.all(storageNodes.map(({ ready }) => ready));
    if (stopping) return;
    const addresses = ports.nodes.map((nodePort) => `${HOST}:${nodePort}`);
    const listening = ['--port', `${ports.proxy}`, '--redis-port', `${ports.redisProxy}`];
    const settings = ['--topology', 'memory', '--copies', `${copies}`];
    const proxy = run('proxy', proxyScript, [...addresses, ...listening, ...settings]);
    servers.push(proxy);
    await proxy.ready;
    while (!stopping && !(await isReady())) await setTimeout(100);
  } catch {
    return; // one of them has ended, which reportExit reports
  }
  if (stopping) return;
  const redis = `  Redis clients      port ${ports.redisProxy}; cluster clients: ports ${ports.redisNodes.join(', ')}\n`;
  process.stdout.write(`
kvs is ready: proxy on ${proxyUrl}, ${nodes} storage nodes on ports ${ports.nodes.join(', ')}
  API documentation  ${proxyUrl}/docs
  the cluster        ${proxyUrl}/cluster
${ports.redisProxy === 0 ? '' : redis}Try:  curl -X PUT ${proxyUrl}/set -d '[{"key":{"encoding":"string","data":"hello"},"value":{"encoding":"string","data":"world"}}]'
Ctrl-C stops everything.

`);
}

async function isReady(): Promise<boolean> {
  const answer = await fetch(`${proxyUrl}/health/ready`);
  await answer.body?.cancel();
  return answer.ok;
}

/** Servers also get the Ctrl-C of a terminal; a second signal has no effect. */
function stop(): void {
  stopping = true;
  for (const server of servers) server.signal('SIGTERM');
}

/** Stops the cluster when npm's shell ends, because npm forwards SIGTERM only to that shell. */
function stopWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent && !stopping) stop();
  }, 500).unref();
}

function reportExit(name: string, { code, signal }: { code: number | null; signal: string | null }): void {
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
  print(name, stopping ? how : `${how}; the others keep running`);
}

async function refuseBusyPorts(ports: readonly number[]): Promise<void> {
  const free = await Promise.all(ports.map((port) => isPortFree(port, HOST)));
  const busy = ports.filter((_, i) => !free[i]);
  if (busy.length === 0) return;
  const what = busy.length === 1 ? `port ${busy.join()} is` : `ports ${busy.join(', ')} are`;
  process.stderr.write(
    `npm start: ${what} in use, perhaps by an earlier npm start; choose others: npm start -- --port 9090 --base-port 4000 --redis-port 6390 --redis-base-port 7100\n`,
  );
  process.exit(1);
}
