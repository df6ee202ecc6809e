import { mkdtemp, open, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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

  it('that cannot be read is not taken for one that is not there', async () => {
    const { directory: path, lock } = file;
    const unreadable = new LocalTopologyStore({ path, lock });
    await expect(unreadable.read()).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(unreadable.replace(first)).rejects.toMatchObject({ code: 'store_unavailable' });
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

  it('is read again after a change whose outcome is unknown', async () => {
    await file.store.replace(first);
    const publish = file.lock.publish.bind(file.lock);
    file.lock.publish = async (name, write) => {
      await publish(name, write);
      throw new Error('the disk did not answer');
    };
    const next = { ...first, revision: 2 };
    await expect(file.store.replace(next)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await file.store.read()).toEqual(next);
  });

  it('keeps its lock until the last change is made', async () => {
    const events: string[] = [];
    file.lock.publish = async () => {
      await setImmediate();
      events.push('published');
    };
    file.lock.release = async () => void events.push('released');
    await Promise.all([file.store.replace(first), file.store.close()]);
    expect(events).toEqual(['published', 'released']);
  });
});
