import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command, freePorts, run, workspaceRoot } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { refused, send } from './support/http.js';

const npmStart = (...args: string[]): Command => new Command('npm', ['start', '--', ...args]);

let cluster: Command | undefined;
afterEach(() => cluster?.destroy());

describe('npm start', () => {
  it('runs a cluster, reports a process that dies, and stops everything on Ctrl-C', async () => {
    const base = await freePorts(3);
    const proxy = `http://localhost:${base + 2}`;
    cluster = npmStart('--nodes', '2', '--base-port', String(base), '--port', String(base + 2));
    await cluster.until(/Ctrl-C stops everything/);
    const { json } = await send('GET', `${proxy}/cluster`);
    expect(json).toMatchObject({
      nodes: [
        { node: `localhost:${base}`, state: 'up' },
        { node: `localhost:${base + 1}`, state: 'up' },
      ],
    });

    const [, suggestion] = await cluster.until(/Try: {2}(curl .*)/);
    const tried = await run('bash', ['-c', `${suggestion} --silent --show-error`]);
    expect(JSON.parse(tried.stdout)).toEqual({ keys_added: 1, keys_failed: [] });

    const victim = await run('bash', ['-c', `pgrep -f 'storage-node/dist/main.js localhost ${base} '`]);
    process.kill(Number(victim.stdout.trim()), 'SIGKILL');
    await cluster.until(/node-1\s+\| was ended by SIGKILL; the others keep running/);
    const after = await send('GET', `${proxy}/cluster`);
    expect(after.json).toMatchObject({ nodes: [{ state: 'down' }, { state: 'up' }] });

    cluster.pressCtrlC();
    const { stdout } = await cluster.finished;
    expect(stdout).toMatch(/node-2\s+\| exited with code 0/);
    expect(stdout).toMatch(/proxy\s+\| exited with code 0/);
    await refused(proxy);
  });

  it('stops with npm, also when only npm itself is told to end', async () => {
    const base = await freePorts(2);
    cluster = npmStart('--nodes', '1', '--base-port', String(base), '--port', String(base + 1));
    await cluster.until(/Ctrl-C stops everything/);
    cluster.signal('SIGTERM');
    await Promise.all([refused(`http://localhost:${base}`), refused(`http://localhost:${base + 1}`)]);
  });

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
    ['--nonsense'],
  ])('refuses bad arguments: %s %s', async (...args) => {
    const { code, stderr } = await npmStart(...args).finished;
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^npm start: /m)]);
  });
});

describe('nx serve', () => {
  // A daemon would outlive the test.
  const options = { environment: { NX_DAEMON: 'false' } };

  it('takes host and port as two words, and the nodes of the proxy; Ctrl-C leaves no orphan', async () => {
    const base = await freePorts(2);
    const [node, proxy] = [`http://localhost:${base}`, `http://localhost:${base + 1}`];
    cluster = new Command('npx', ['nx', 'serve', 'storage-node', `--args=localhost ${base}`], options);
    await cluster.until(new RegExp(`listening on ${node}`));
    const args = ['nx', 'serve', 'proxy', `--args=localhost:${base} --port ${base + 1}`];
    const second = new Command('npx', args, options);
    try {
      await second.until(new RegExp(`listening on ${proxy}`));
      const body = [{ key: string('a'), value: string('b') }];
      expect((await send('PUT', `${proxy}/set`, { body })).json).toEqual({ keys_added: 1, keys_failed: [] });
      second.pressCtrlC();
      await refused(proxy);
    } finally {
      second.destroy();
    }
    cluster.pressCtrlC();
    await refused(node);
  });

  it('ends with exit code 0 on Ctrl-C', async () => {
    // Not through npx: the shell that npm runs commands in ends by the signal whatever the command does.
    const nx = join(workspaceRoot, 'tools/setup/nx.mjs');
    cluster = new Command(process.execPath, [nx, 'serve', 'storage-node', '--args=localhost 0'], options);
    const [, origin = ''] = await cluster.until(/listening on (http:[^"\s]+)/);
    cluster.pressCtrlC();
    const { code, signal } = await cluster.finished;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    await refused(origin);
  });

  // In a terminal, Nx hands the key on to the server and gets no signal itself.
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
