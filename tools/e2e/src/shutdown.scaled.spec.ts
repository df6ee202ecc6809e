import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '@kvs/protocol/testing';
import { proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { accepts, open, readAll, refused, send } from './support/http.js';

/** Returns the status of an answer, or the code of the error. */
function ask(url: string, agent: Agent): Promise<number | string> {
  return new Promise((resolve) => {
    request(url, { agent }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end();
  });
}

function start(...args: string[]): ServerProcess {
  return new ServerProcess({ name: 'node', script: storageNodeScript, args: ['localhost', '0', ...args] });
}

/** Both signals are handled in the same way. */
const signal: NodeJS.Signals = process.env['KVS_SLOW_TESTS'] === undefined ? 'SIGTERM' : 'SIGINT';

describe(`after ${signal}`, () => {
  it('an idle server exits at once with code 0, also with idle connections', async () => {
    const server = start();
    const origin = await server.ready;
    await send('GET', `${origin}/health/live`);
    const idle = connect(Number(new URL(origin).port), 'localhost');
    await once(idle, 'connect');
    expect(await server.stop(signal)).toEqual({ code: 0, signal: null });
    idle.destroy();
  });

  it('a server finishes requests in flight and accepts no more', async () => {
    const server = start('--shutdown-timeout-ms', '60000');
    const origin = await server.ready;
    const value = string('v'.repeat(4 * 1024 * 1024));
    for (let i = 0; i < 8; i++) {
      await send('PUT', `${origin}/set`, { body: [{ key: string(`${i}`), value }] });
    }
    const scan = await open(`${origin}/fetch`);
    server.signal(signal);
    await refused(origin); // the server begins to do so some time after the signal
    const { text, complete } = await readAll(scan);
    expect([complete, JSON.parse(text)]).toEqual([true, expect.any(Array)]);
    expect(JSON.parse(text)).toHaveLength(8);
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  it('a busy server answers every request of its clients', async () => {
    const server = start('--shutdown-timeout-ms', '60000');
    const origin = await server.ready;
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const statuses: number[] = [];
    const errors: string[] = [];
    const client = async (): Promise<void> => {
      for (let serving = true; serving;) {
        const outcome = await ask(`${origin}/stats`, agent);
        if (typeof outcome === 'number') statuses.push(outcome);
        else if (outcome !== 'ECONNREFUSED') errors.push(outcome);
        serving = outcome === 200;
        if (statuses.length === 500) server.signal(signal);
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(errors).toEqual([]);
    expect(new Set(statuses)).toEqual(new Set(statuses.includes(503) ? [200, 503] : [200]));
    agent.destroy();
  });

  it('a server waits for requests only until the time-out', async () => {
    const server = start('--shutdown-timeout-ms', '200');
    const origin = await server.ready;
    const value = string('v'.repeat(8 * 1024 * 1024));
    for (let i = 0; i < 8; i++) {
      await send('PUT', `${origin}/set`, { body: [{ key: string(`${i}`), value }] });
    }
    const scan = await open(`${origin}/fetch`); // nobody reads it
    expect(await server.stop(signal)).toEqual({ code: 0, signal: null });
    expect((await readAll(scan)).complete).toBe(false);
  });
});

describe('a server whose log cannot be written', () => {
  let directory = '';
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kvs-log-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** Runs a server until SIGHUP, and returns its exit code and what it wrote to stderr. */
  async function serveOnce(argsFor: (port: string) => readonly string[], stdout: 'pipe' | number) {
    // Another program may take the port before the server does.
    for (;;) {
      const port = await freePorts(1);
      const result = await serveAt(port, argsFor(String(port)), stdout);
      if (!String(result[1]).includes('the port is in use')) return result;
    }
  }

  async function serveAt(port: number, args: readonly string[], stdout: 'pipe' | number) {
    const server = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'pipe'] });
    let stderr = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const exited = once(server, 'close');
    try {
      server.stdout?.destroy();
      while (server.exitCode === null && !(await accepts('localhost', port)));
      if (server.exitCode === null) {
        server.kill('SIGUSR1'); // which must not open an inspector
        expect((await send('GET', `http://localhost:${port}/health/live`)).status).toBe(200);
        server.kill('SIGHUP');
      }
      await exited;
      return [server.exitCode, stderr];
    } finally {
      server.kill('SIGKILL');
    }
  }

  it('serves and writes its snapshot on SIGHUP, also if nobody reads the pipe', async () => {
    const node = (port: string) => [
      ...[storageNodeScript, 'localhost', port, '--snapshot-dir', directory],
      ...['--log-format', 'text', '--log-level', 'trace'],
    ];
    expect(await serveOnce(node, 'pipe')).toEqual([0, '']);
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('serves with workers, also if every write to the file fails', async () => {
    const readOnly = openSync(proxyScript, 'r');
    try {
      const proxy = (port: string) => [
        ...[proxyScript, '--port', port, '--workers', '2'],
        ...['--log-format', 'json'],
      ];
      expect(await serveOnce(proxy, readOnly)).toEqual([0, '']);
    } finally {
      closeSync(readOnly);
    }
  });
});
