import { mkdtemp, open, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalTopologyStore, newTopology, type FileLock } from './index.js';
import { describeTopologyStore } from './testing/index.js';

describeTopologyStore('the topology in memory', async () => ({
  store: new LocalTopologyStore(),
  cleanUp: async () => undefined,
}));

class TestLock implements FileLock {
  isHeld = true;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  assertHeld(): void {
    if (!this.isHeld) throw new Error('the lock was lost');
  }

  async publish(name: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
    this.assertHeld();
    const file = await open(join(this.#directory, name), 'w');
    await write(file).finally(() => file.close());
  }

  async release(): Promise<void> {
    this.isHeld = false;
  }
}

async function openFile() {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-topology-'));
  const path = join(directory, 'kvs.topology');
  const lock = new TestLock(directory);
  const reopen = async () => new LocalTopologyStore({ path, lock: new TestLock(directory) });
  const cleanUp = () => rm(directory, { recursive: true });
  return { directory, path, lock, store: new LocalTopologyStore({ path, lock }), reopen, cleanUp };
}

describeTopologyStore('the topology in a file', openFile);

describe('the topology in a file', () => {
  const first = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
  let file: Awaited<ReturnType<typeof openFile>>;
  beforeEach(async () => {
    file = await openFile();
  });
  afterEach(async () => {
    await file.store.close();
    await file.cleanUp();
  });

  it('is refused by name if it is damaged, and stays as it is', async () => {
    await writeFile(file.path, '{"format":"kvs-topol');
    const damaged = {
      code: 'invalid_topology',
      status: 503,
      message: expect.stringContaining(`${file.path} has no topology`),
    };
    await expect(file.store.read()).rejects.toMatchObject(damaged);
    await expect(file.store.replace(first)).rejects.toMatchObject(damaged);
    expect(await readFile(file.path, 'utf8')).toBe('{"format":"kvs-topol');
  });

  it('is not touched once another process has the lock', async () => {
    await file.store.replace(first);
    file.lock.isHeld = false;
    await expect(file.store.read()).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(file.store.replace({ ...first, revision: 2 })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('the lock was lost'),
    });
    expect(await (await file.reopen()).read()).toEqual(first);
  });
});
