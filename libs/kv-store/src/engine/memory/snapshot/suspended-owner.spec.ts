import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ManualTime } from '@kvs/protocol/testing';
import { DIRECTORY_LOCK_FILE, TAKEOVER_MS } from '../../../directory-lock.js';
import { ManualClock } from '../../../testing/index.js';
import { placed, write } from '../../../testing/pairs.js';
import { MemoryEngine } from '../memory-engine.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-snapshot-'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(directory, { recursive: true });
});

/** The clock of expiry stands still, as it does in a node that has not joined its cluster. */
function open(): Promise<MemoryEngine> {
  const clock = new ManualClock();
  return MemoryEngine.open({ clock, scheduler: new ManualTime(), snapshot: { directory } });
}

it('an engine whose directory was taken over and left again replaces no newer snapshot', async () => {
  const suspended = await open();
  // The successor finds no lock, so that the test need not wait for a takeover.
  await rm(join(directory, DIRECTORY_LOCK_FILE));
  const successor = await open();
  successor.setMany([write('new')]);
  await successor.close();
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + TAKEOVER_MS);
  await expect(suspended.close()).rejects.toMatchObject({
    code: 'engine_unavailable',
    message: expect.stringContaining(`${directory} was taken over`),
  });
  expect((await open()).hasMany([placed('new')])).toEqual([{ status: 'present' }]);
});
