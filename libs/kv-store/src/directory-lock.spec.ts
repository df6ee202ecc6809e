import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { KvsError } from '@kvs/protocol';
import { ManualTime, until } from '@kvs/protocol/testing';
import { DIRECTORY_LOCK_FILE, DirectoryLock, RENEWAL_MS, TAKEOVER_MS } from './directory-lock.js';
import { ManualClock } from './testing/index.js';

let parent = '';
let directory = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'kvs-lock-'));
  directory = join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

/** A process that wants the directory. Its time passes only when it is told to. */
class Process {
  readonly scheduler = new ManualTime();
  readonly clock = new ManualClock();
  readonly losses: KvsError[] = [];
  watchedMs = 0;

  take(): Promise<DirectoryLock> {
    const { scheduler, clock } = this;
    return DirectoryLock.acquire(directory, { scheduler, clock, onLost: (error) => this.losses.push(error) });
  }

  pass(): void {
    this.clock.advanceMs(RENEWAL_MS);
    this.scheduler.advanceMs(RENEWAL_MS);
  }

  /** Takes the directory, however long it must watch; `meanwhile` happens before each look. */
  async watch(meanwhile: () => unknown = () => undefined): Promise<DirectoryLock> {
    let isSettled = false;
    const taken = this.take().finally(() => (isSettled = true));
    taken.catch(() => undefined);
    for (;;) {
      await setImmediate();
      if (isSettled) return taken;
      await meanwhile();
      this.watchedMs += RENEWAL_MS;
      this.pass();
    }
  }

  /** Renews the lock that it has, if it still has it. */
  async renew(): Promise<void> {
    this.pass();
    await until(() => this.scheduler.waits.length > 0 || this.losses.length > 0);
  }
}

const file = (): string => join(directory, DIRECTORY_LOCK_FILE);
const text = (): string => readFileSync(file(), 'utf8');
const inUse = expect.objectContaining({
  code: 'engine_unavailable',
  message: expect.stringMatching(`is in use by process ${process.pid} of .+: each process needs a directory`),
});
const takenBySomebody = expect.objectContaining({
  code: 'engine_unavailable',
  message: expect.stringContaining('was taken over by another process'),
});
const takenOver = expect.objectContaining({
  code: 'engine_unavailable',
  message: expect.stringContaining(`was taken over by process ${process.pid}`),
});

describe('a directory', () => {
  it('that is free is acquired at once, and is free again after its release', async () => {
    for (let times = 0; times < 2; times++) {
      const owner = new Process();
      const lock = await owner.take();
      expect(readdirSync(directory)).toEqual([DIRECTORY_LOCK_FILE]);
      await lock.release();
      expect([readdirSync(directory), owner.scheduler.waits]).toEqual([[], []]);
    }
  });

  it('that is released during a renewal is free when that has ended', async () => {
    const owner = new Process();
    const lock = await owner.take();
    owner.pass(); // and the renewal begins
    await lock.release();
    expect([readdirSync(directory), owner.scheduler.waits]).toEqual([[], []]);
  });

  it('whose owner lives is refused', async () => {
    const owner = new Process();
    const lock = await owner.take();
    await expect(new Process().watch(() => owner.renew())).rejects.toEqual(inUse);
    expect(() => lock.assertHeld()).not.toThrow();
  });

  it('whose owner renews only just in time is refused', async () => {
    const owner = new Process();
    await owner.take();
    let looks = 0;
    const wait = new Process().watch(() => (++looks === 4 ? owner.renew() : undefined));
    await expect(wait).rejects.toEqual(inUse);
  });

  it.each([
    ['a process that ended', `${'0'.repeat(36)} 0000000007 process 1 of elsewhere\n`],
    ['nobody, being empty', ''],
    ['nobody, being torn', '0000-00'],
    ['nobody, being of another kind', '{"pid":1,"host":"elsewhere"}'],
  ])('with a lock of %s is taken over after a while', async (_, left) => {
    await (await new Process().take()).release();
    writeFileSync(file(), left);
    const successor = new Process();
    const lock = await successor.watch();
    expect(successor.watchedMs).toBe(TAKEOVER_MS);
    await lock.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('that is released while another process watches it is acquired at the next look', async () => {
    const lock = await new Process().take();
    const successor = new Process();
    await successor.watch(() => lock.release());
    expect(successor.watchedMs).toBe(RENEWAL_MS);
  });

  it('that was abandoned is taken over by one of many watchers', async () => {
    for (let times = 0; times < 20; times++) {
      const before = await new Process().take();
      const taken = await Promise.allSettled(Array.from({ length: 8 }, () => new Process().watch()));
      const locks = taken.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(locks.length).toBe(1);
      await locks[0]?.release();
      await before.release();
      expect(readdirSync(directory)).toEqual([]);
    }
  });

  it('is rid of the temporary files of earlier owners', async () => {
    await (await new Process().take()).release();
    writeFileSync(join(directory, `kvs.snapshot.${randomUUID()}.tmp`), 'half of it');
    for (const name of ['kvs.snapshot', 'own.tmp']) writeFileSync(join(directory, name), 'all of it');
    await (await new Process().take()).release();
    expect(readdirSync(directory).sort()).toEqual(['kvs.snapshot', 'own.tmp']);
  });
});

describe('a file that is published', () => {
  let lock: DirectoryLock;
  const path = () => join(directory, 'data');
  const names = () => readdirSync(directory).filter((name) => name !== DIRECTORY_LOCK_FILE);
  beforeEach(async () => {
    lock = await new Process().take();
    await lock.publish('data', (data) => data.writeFile('old'));
  });
  afterEach(() => lock.release());

  it('replaces the one before it when it is whole', async () => {
    const result = await lock.publish('data', async (data) => {
      await data.writeFile('half');
      expect([names().length, readFileSync(path(), 'utf8')]).toEqual([2, 'old']);
      await data.writeFile('new');
      return 7;
    });
    expect([result, names(), readFileSync(path(), 'utf8')]).toEqual([7, ['data'], 'halfnew']);
  });

  it('is on the disk before it replaces the one before it', async () => {
    const published: string[] = [];
    await lock.publish('data', async (data) => {
      const sync = data.sync.bind(data);
      data.sync = () => {
        published.push(readFileSync(path(), 'utf8'));
        return sync();
      };
      await data.writeFile('new');
    });
    expect([published, readFileSync(path(), 'utf8')]).toEqual([['old'], 'new']);
  });

  it('leaves nothing behind if it cannot be written', async () => {
    const full = lock.publish('data', async (data) => {
      await data.writeFile('half');
      throw new Error('the disk is full');
    });
    await expect(full).rejects.toThrow('the disk is full');
    expect([names(), readFileSync(path(), 'utf8')]).toEqual([['data'], 'old']);
  });

  it('can be withdrawn, also if it is not there', async () => {
    await lock.withdraw('data');
    await lock.withdraw('data');
    expect(names()).toEqual([]);
  });

  it('is not taken for withdrawn if it cannot be removed', async () => {
    mkdirSync(join(directory, 'other'));
    await expect(lock.withdraw('other')).rejects.toThrow();
  });
});

describe('an owner that was suspended while another took the directory over', () => {
  let lock: DirectoryLock;
  let successor: DirectoryLock;
  let publishing: Promise<void>;
  let goOn: () => void = () => undefined;
  let owner: Process;
  beforeEach(async () => {
    owner = new Process();
    lock = await owner.take();
    const suspended = new Promise<void>((resolve) => (goOn = resolve));
    publishing = lock.publish('kvs.snapshot', () => suspended);
    await until(() => readdirSync(directory).length === 2);
    successor = await new Process().watch();
  });
  afterEach(async () => {
    goOn();
    await publishing.catch(() => undefined);
  });

  it('is told so by its next renewal, once, and leaves the lock to its successor', async () => {
    const before = text();
    await owner.renew();
    expect(owner.losses).toEqual([takenOver]);
    expect(lock.loss).toBe(owner.losses[0]);
    expect(() => lock.assertHeld()).toThrow(takenOver);
    expect(owner.scheduler.waits).toEqual([]);
    await lock.release();
    expect(owner.losses.length).toBe(1);
    expect(text()).toBe(before);
    expect(() => successor.assertHeld()).not.toThrow();
  });

  it.each([TAKEOVER_MS, -TAKEOVER_MS])(
    'is told so before its next change, whichever way the clock went (%i ms)',
    (ms) => {
      owner.clock.advanceMs(ms);
      expect(() => lock.assertHeld()).toThrow(takenOver);
      expect([owner.losses, owner.scheduler.waits]).toEqual([[takenOver], []]);
    },
  );

  it('is told so once, although both a renewal and a change find out', async () => {
    owner.clock.advanceMs(TAKEOVER_MS);
    owner.pass(); // and the renewal begins
    expect(() => lock.assertHeld()).toThrow(takenOver);
    await lock.release();
    expect(owner.losses).toEqual([takenOver]);
  });

  describe('and released', () => {
    beforeEach(() => successor.release());

    it('is told so by its next renewal, and makes no lock again', async () => {
      owner.clock.advanceMs(TAKEOVER_MS);
      await owner.renew();
      expect(owner.losses).toEqual([takenBySomebody]);
      expect(readdirSync(directory)).not.toContain(DIRECTORY_LOCK_FILE);
    });

    it('is told so before its next change', () => {
      owner.clock.advanceMs(TAKEOVER_MS);
      expect(() => lock.assertHeld()).toThrow(takenBySomebody);
    });
  });

  it('withdraws nothing, and replaces nothing', async () => {
    writeFileSync(join(directory, 'data'), 'of the successor');
    owner.clock.advanceMs(TAKEOVER_MS);
    await expect(lock.publish('data', (data) => data.writeFile('late'))).rejects.toEqual(takenOver);
    await expect(lock.withdraw('data')).rejects.toEqual(takenOver);
    expect(readFileSync(join(directory, 'data'), 'utf8')).toBe('of the successor');
  });

  it('cannot publish a file that it had begun', async () => {
    goOn();
    await expect(publishing).rejects.toThrow('ENOENT');
  });
});

it('a lock that cannot be read for a while is neither lost nor taken for granted', async () => {
  const owner = new Process();
  const lock = await owner.take();
  const before = text();
  rmSync(file());
  mkdirSync(file());
  owner.clock.advanceMs(RENEWAL_MS);
  const unreadable = expect.objectContaining({
    code: 'engine_unavailable',
    message: expect.stringMatching(/^the lock of \S+data cannot be read: EISDIR/),
    cause: expect.objectContaining({ code: 'EISDIR' }),
  });
  expect(() => lock.assertHeld()).toThrow(unreadable);
  owner.clock.advanceMs(TAKEOVER_MS);
  await owner.renew();
  expect(() => lock.assertHeld()).toThrow(unreadable);
  rmdirSync(file());
  writeFileSync(file(), before);
  expect(() => lock.assertHeld()).not.toThrow();
  expect(owner.losses).toEqual([]);
  await lock.release();
});

it('a lock that is missing is lost once another process could have come and gone, however often it was missed before', async () => {
  const owner = new Process();
  const lock = await owner.take();
  rmSync(file());
  owner.clock.advanceMs(TAKEOVER_MS - 1);
  expect(() => lock.assertHeld()).not.toThrow();
  owner.clock.advanceMs(1);
  expect(() => lock.assertHeld()).toThrow(takenBySomebody);
  await lock.release();
});

it('a lock that somebody removed is made again by its owner', async () => {
  const owner = new Process();
  const lock = await owner.take();
  for (let ms = 0; ms <= TAKEOVER_MS; ms += RENEWAL_MS) await owner.renew();
  rmSync(file());
  await owner.renew();
  expect(() => lock.assertHeld()).not.toThrow();
  await expect(new Process().watch(() => owner.renew())).rejects.toEqual(inUse);
  await lock.release();
});
