import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '@kvs/protocol/testing';
import { ClusterState, Command, workspaceRoot } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { refused, send } from './support/http.js';
import { killNode } from './support/kill-node.js';

const npmStart = (...args: string[]): Command =>
  new Command('npm', ['start', '--', '--redis-port', '0', ...args]);

let cluster: Command | undefined;
afterEach(() => cluster?.destroy());

describe('npm start', () => {
  it('names the ports that are in use', async () => {
    const base = await freePorts(3);
    cluster = npmStart('--nodes', '1', '--base-port', String(base), '--port', String(base + 1));
    await cluster.until(/Ctrl-C stops everything/);
    const second = await npmStart('--nodes', '1', '--base-port', String(base), '--port', String(base + 2))
      .finished;
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`port ${base} is in use`);
    expect(second.stderr).not.toMatch(/^\s+at /m);
    cluster.pressCtrlC();
    await cluster.finished;
  });

  it.each([
    ['--nodes', '0'],
    ['--port', '99999'],
    ['--base-port', '65535'],
    ['--nodes', '3', '--base-port', '8079'],
    ['--redis-port', '8080'],
    ['--nonsense'],
  ])('refuses bad arguments: %s %s', async (...args) => {
    const { code, stderr } = await npmStart(...args).finished;
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^npm start: /m)]);
  });
});

describe('nx serve', () => {
  // Otherwise the daemon of Nx outlives the test.
  const options = { environment: { NX_DAEMON: 'false' } };

  it('takes host and port, and the nodes of the proxy, as words; Ctrl-C leaves no process', async () => {
    const base = await freePorts(3);
    const [one, other, proxy] = [base, base + 1, base + 2];
    const lines = [
      { port: one, words: ['storage-node', `--args=localhost ${one}`] },
      { port: other, words: ['storage-node', `--args=localhost ${other}`] },
      { port: proxy, words: ['proxy', `--args=localhost:${one} localhost:${other} --port ${proxy}`] },
    ];
    const servers: Command[] = [];
    try {
      for (const { port, words } of lines) {
        const server = new Command('npx', ['nx', 'serve', ...words], options);
        servers.push(server);
        await server.until(new RegExp(`listening on http://localhost:${port}`));
      }
      const body = ['a', 'b', 'c', 'd'].map((key) => ({ key: string(key), value: string(key) }));
      const { json } = await send('PUT', `http://localhost:${proxy}/set`, { body });
      expect(json).toEqual({ keys_added: 4, keys_failed: [] });
    } finally {
      await pressCtrlC(servers, [one, other, proxy]);
    }
  });

  it("brings a killed node of npm start back, and adds another one, by the README's commands", async () => {
    const base = await freePorts(10);
    const [proxy, redis] = [base + 4, base + 6];
    const ports = ['--base-port', String(base), '--port', String(proxy)];
    const redisPorts = ['--redis-port', String(base + 5), '--redis-base-port', String(redis)];
    const started = new Command('npm', ['start', '--', ...ports, ...redisPorts]);
    const servers = [started];
    try {
      await started.until(/done: all partitions have all their copies/);
      await killNode(base);
      const here = { 3000: base, 3003: base + 3, 7000: redis, 7003: redis + 3, 8080: proxy };
      const commands = readmeCommands(here);
      expect(commands).toHaveLength(2);
      for (const command of commands) {
        const server = new Command('bash', ['-c', command], options);
        servers.push(server);
        await server.until(/joined the cluster/);
      }
      const state = new ClusterState(`http://localhost:${proxy}`);
      for (const port of [base, base + 3])
        await state.until(async () => (await state.copiesOf(`localhost:${port}`)) > 0);
    } finally {
      await pressCtrlC(servers, [base, base + 3, proxy]);
    }
  });

  it('ends with exit code 0 on Ctrl-C', async () => {
    // Not through npx: npm runs commands in a shell, which ends by the signal itself.
    const nx = join(workspaceRoot, 'tools/setup/nx.mjs');
    cluster = new Command(process.execPath, [nx, 'serve', 'storage-node', '--args=localhost 0'], options);
    const [, origin = ''] = await cluster.until(/listening on (http:[^"\s]+)/);
    cluster.pressCtrlC();
    const { code, signal } = await cluster.finished;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    await refused(origin);
  });

  // In a terminal, Nx forwards the key to the server and gets no signal itself. Skipped without `script` of util-linux, which
  // makes a terminal.
  const inTerminal = existsSync('/usr/bin/script') && process.platform === 'linux' ? it : it.skip;
  inTerminal('ends with exit code 0 after Ctrl-C in a terminal', async () => {
    const nx = join(workspaceRoot, 'tools/setup/nx.mjs');
    const command = `${process.execPath} ${nx} serve storage-node --args="localhost 0"`;
    const terminal = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], {
      cwd: workspaceRoot,
      env: { ...process.env, ...options.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      await new Promise<void>((resolve) => {
        let output = '';
        terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          if (output.includes('listening on')) resolve();
        });
      });
      const exited = once(terminal, 'exit');
      terminal.stdin.write('\x03');
      expect(await exited).toEqual([0, null]);
    } finally {
      terminal.kill();
    }
  });
});

/** Returns the commands of README.md that start a node, with the ports here in place of those in the README. */
function readmeCommands(ports: Readonly<Record<number, number>>): string[] {
  const readme = readFileSync(join(workspaceRoot, 'README.md'), 'utf8');
  return Array.from(readme.matchAll(/^ {4}(npx nx serve storage-node .*)$/gm), ([, command = '']) =>
    command.replaceAll(/\b\d{4}\b/g, (port) => String(ports[Number(port)])),
  );
}

/** Stops servers as Ctrl-C does. Nx starts each in a process group of its own, which `destroy` does not reach. */
async function pressCtrlC(commands: readonly Command[], ports: readonly number[]): Promise<void> {
  for (const command of commands) command.pressCtrlC();
  for (const port of ports) await refused(`http://localhost:${port}`);
  for (const command of commands) command.destroy();
}
