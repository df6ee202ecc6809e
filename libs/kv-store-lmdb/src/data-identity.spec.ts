import type { Durability } from './lmdb-engine-options.js';
import {
  closedText,
  identityFromBytes,
  identityToBytes,
  machineStart,
  newIdentity,
  nextIdentity,
  type Opening,
} from './data-identity.js';

const TUESDAY = 'machine started on Tuesday';
const opening = (durability: Durability, machine = TUESDAY, closedText?: string): Opening => ({
  durability,
  machine,
  closedText,
});
const BEFORE = newIdentity(opening('commit', 'machine started on Monday'));

describe('the identity of a data directory', () => {
  it('is new for a directory that has none', () => {
    const first = nextIdentity(undefined, opening('commit'));
    const second = nextIdentity(undefined, opening('commit'));
    expect(first.starts).toBe(1);
    expect(first.bootId).not.toBe(second.bootId);
  });

  it.each<Durability>(['commit', 'sync'])(
    'stays while the machine runs, and counts the starts, with durability %s',
    (durability) => {
      const next = nextIdentity({ ...BEFORE, durability }, opening(durability, BEFORE.machine));
      expect(next).toEqual({ ...BEFORE, durability, starts: 2 });
    },
  );

  it('is new after a restart of the machine, because the last writes may not have reached the disk', () => {
    const next = nextIdentity({ ...BEFORE, starts: 7 }, opening('commit'));
    expect(next.bootId).not.toBe(BEFORE.bootId);
    expect(next).toMatchObject({ starts: 1, machine: TUESDAY });
  });

  it('stays after a restart of the machine if every write was synced to the disk', () => {
    const next = nextIdentity({ ...BEFORE, durability: 'sync' }, opening('sync'));
    expect(next).toMatchObject({ bootId: BEFORE.bootId, starts: 2 });
  });

  it('stays after a restart of the machine if the directory was closed before', () => {
    const next = nextIdentity(BEFORE, opening('commit', TUESDAY, closedText(BEFORE)));
    expect(next).toMatchObject({ bootId: BEFORE.bootId, starts: 2, machine: TUESDAY });
  });

  it.each([{ starts: 2 }, { bootId: 'another' }])(
    'is new after a restart of the machine if the directory has the file `closed` from before %j',
    (since) => {
      const next = nextIdentity({ ...BEFORE, ...since }, opening('commit', TUESDAY, closedText(BEFORE)));
      expect(next.starts).toBe(1);
    },
  );

  it('depends on how the previous process wrote, not on how this one will', () => {
    expect(nextIdentity(BEFORE, opening('sync')).bootId).not.toBe(BEFORE.bootId);
    const synced = { ...BEFORE, durability: 'sync' } as const;
    expect(nextIdentity(synced, opening('commit'))).toMatchObject({
      bootId: BEFORE.bootId,
      durability: 'commit',
      machine: TUESDAY,
    });
  });

  it('is the same after it was stored', () => {
    expect(identityFromBytes(identityToBytes(BEFORE))).toEqual(BEFORE);
  });

  it.each(['null', '7', '{}', '{"bootId":"a","starts":"1","machine":"b"}'])('is none in %s', (text) => {
    expect(identityFromBytes(Buffer.from(text))).toBeUndefined();
  });

  it('is none in no bytes', () => {
    expect(identityFromBytes(undefined)).toBeUndefined();
  });

  it('knows one start of the machine while the process runs', () => {
    expect(machineStart()).toBe(machineStart());
  });
});
