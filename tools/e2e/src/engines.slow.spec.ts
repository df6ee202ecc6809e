import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '@kvs/protocol/testing';
import { run, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-engines-'));
});
afterEach(() => rm(directory, { recursive: true }));

it('a missing engine package is named, with the command that installs it', async () => {
  const module = new URL('engine/optional-engine.js', pathToFileURL(storageNodeScript)).href;
  const script = `
    const { optionalEngine } = await import(${JSON.stringify(module)});
    await optionalEngine('@kvs/no-such-engine', 'engine', {}).catch((error) => console.log(String(error)));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect(stdout).toBe(
    'StartError: the package @kvs/no-such-engine is not installed: npm install @kvs/no-such-engine, ' +
      'with --global if kvs-storage-node is global\n',
  );
});

describe('the memory engine', () => {
  it('answers 507 when it is full, and still reads, deletes and overwrites with less', async () => {
    await using(node(['--max-memory', '4mb']), async (origin) => {
      const large = string('v'.repeat(1024 * 1024));
      const statuses: number[] = [];
      for (let i = 0; i < 6; i++)
        statuses.push(
          (await send('PUT', `${origin}/set`, { body: [{ key: string(`${i}`), value: large }] })).status,
        );
      expect([statuses[0], statuses.at(-1)]).toEqual([200, 507]);
      expect((await send('POST', `${origin}/fetch`, { body: [string('0')] })).json).toEqual([
        { key: string('0'), value: large },
      ]);
      const small = [{ key: string('0'), value: string('v') }];
      expect((await send('PUT', `${origin}/set`, { body: small })).status).toBe(200);
      expect((await send('POST', `${origin}/delete`, { body: [string('0')] })).status).toBe(200);
    });
  });

  it.each(['lru', 'sieve'])('evicts by %s when it is full', async (eviction) => {
    await using(node(['--max-memory', '4mb', '--eviction', eviction]), async (origin) => {
      const value = string('v'.repeat(1024 * 1024));
      for (let i = 0; i < 6; i++) {
        const answer = await send('PUT', `${origin}/set`, { body: [{ key: string(`${i}`), value }] });
        expect(answer.status).toBe(200);
      }
      const present = await send('POST', `${origin}/query`, { body: [string('0'), string('5')] });
      expect(present.json).toEqual([
        { key: string('0'), value: false },
        { key: string('5'), value: true },
      ]);
    });
  });
});

describe('a snapshot', () => {
  it('restores the pairs, and versions continue', async () => {
    const etag = await storeOne();
    await using(node(['--snapshot-dir', directory]), async (origin) => {
      await isReady(origin);
      const { headers, text } = await send('GET', `${origin}/keys/key`);
      expect([headers.get('etag'), text]).toEqual([etag, 'value']);
    });
  });

  it('that is damaged prevents the start, with one line that names it', async () => {
    await storeOne();
    await damage();
    const { code, stderr } = await storageNode(['--snapshot-dir', directory]);
    expect([code, stderr.trimEnd().split('\n')]).toEqual([
      1,
      [expect.stringMatching(/^kvs-storage-node: the snapshot .*kvs\.snapshot is damaged: /)],
    ]);
    expect(stderr).toContain(file());
  });

  it('of a version without partition functions keeps the node from starting, with one line, and stays as it is', async () => {
    const old = Buffer.concat([Buffer.from('KVSSNAP1'), Buffer.alloc(100)]);
    await writeFile(file(), old);
    const { code, stderr } = await storageNode(['--snapshot-dir', directory, '--ignore-damaged-snapshot']);
    expect([code, stderr]).toEqual([
      1,
      `kvs-storage-node: the snapshot ${file()} names no partition function, but this version needs "crc16/1"; nothing was changed\n`,
    ]);
    expect((await readFile(file())).equals(old)).toBe(true);
  });

  it('that is damaged is set aside on request', async () => {
    await storeOne();
    const damaged = await damage();
    await using(node(['--snapshot-dir', directory, '--ignore-damaged-snapshot']), async (origin) => {
      await isReady(origin);
      expect((await send('GET', `${origin}/keys/key`)).status).toBe(404);
    });
    expect((await readFile(`${file()}.damaged`)).equals(damaged)).toBe(true);
  });

  it('belongs to one node: a second one exits with one line that names the first', async () => {
    const first = node(['--snapshot-dir', directory]);
    const origin = await first.ready;
    await isReady(origin);
    const { code, stderr } = await storageNode(['--snapshot-dir', directory]);
    expect([code, stderr.trimEnd().split('\n')]).toEqual([
      1,
      [expect.stringMatching(/^kvs-storage-node: .* is in use by process \d+ of /)],
    ]);
    expect(stderr).toContain(directory);
    await send('PUT', `${origin}/keys/key`, { body: 'value' });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await using(node(['--snapshot-dir', directory]), async (again) => {
      await isReady(again);
      expect((await send('GET', `${again}/keys/key`)).text).toBe('value');
    });
  });

  it('is free again after its node was killed', async () => {
    const killed = node(['--snapshot-dir', directory]);
    await isReady(await killed.ready);
    await killed.stop('SIGKILL');
    expect(await readdir(directory)).toEqual(['kvs.lock']);
    await using(node(['--snapshot-dir', directory]), isReady);
    expect(await readdir(directory)).toEqual(['kvs.snapshot']);
  });

  it('that cannot be written at shutdown makes the exit code 1, and is the last line of the log', async () => {
    const server = node(['--snapshot-dir', join(directory, 'snapshots')]);
    await isReady(await server.ready);
    await rm(join(directory, 'snapshots'), { recursive: true });
    await writeFile(join(directory, 'snapshots'), 'not a directory');
    expect(await server.stop()).toEqual({ code: 1, signal: null });
    expect(server.lines.at(-1)).toMatch(
      /shutdown failed: the snapshot .*kvs\.snapshot cannot be read or written: /,
    );
    expect(server.lines.filter((line) => line.includes('the snapshot'))).toHaveLength(1);
  });

  it('is also written at intervals', async () => {
    const server = node(['--snapshot-dir', directory, '--snapshot-interval', '1']);
    const origin = await server.ready;
    await isReady(origin);
    await send('PUT', `${origin}/keys/key`, { body: 'value' });
    await server.until(/wrote 1 pairs/);
    await server.stop('SIGKILL');
    await using(node(['--snapshot-dir', directory]), async (again) => {
      await isReady(again);
      expect((await send('GET', `${again}/keys/key`)).text).toBe('value');
    });
  });
});

function storageNode(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  return run(process.execPath, [storageNodeScript, 'localhost', '0', ...args], { environment });
}

function node(args: readonly string[]): ServerProcess {
  return new ServerProcess({ name: 'node', script: storageNodeScript, args: ['localhost', '0', ...args] });
}

/** Runs a node during the use, and then stops it by SIGTERM. */
async function using(server: ServerProcess, use: (origin: string) => Promise<void>): Promise<void> {
  try {
    await use(await server.ready);
  } finally {
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  }
}

async function isReady(origin: string): Promise<void> {
  await until(async () => (await send('GET', `${origin}/health/ready`)).status === 200);
}

/** Writes a snapshot with one pair, and returns its version. */
async function storeOne(): Promise<string | null> {
  let etag: string | null = null;
  await using(node(['--snapshot-dir', directory]), async (origin) => {
    await isReady(origin);
    await send('PUT', `${origin}/keys/key`, { body: 'value' });
    etag = (await send('GET', `${origin}/keys/key`)).headers.get('etag');
  });
  return etag;
}

function file(): string {
  return join(directory, 'kvs.snapshot');
}

async function damage(): Promise<Buffer> {
  const bytes = await readFile(file());
  bytes[30] = (bytes[30] ?? 0) ^ 1;
  await writeFile(file(), bytes);
  return bytes;
}
