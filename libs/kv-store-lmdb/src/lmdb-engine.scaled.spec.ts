import type { Clock } from '@kvs/kv-store';
import { describeStorageEngine } from '@kvs/kv-store/testing';
import { LmdbEngine } from './lmdb-engine.js';
import type { Durability } from './lmdb-engine-options.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';

/** The levels differ in one flag of LMDB, and a sync takes long. */
const durability: Durability = process.env['KVS_SLOW_TESTS'] === undefined ? 'commit' : 'sync';

const scratches: ScratchDirectory[] = [];

function openLast(clock: Clock): Promise<LmdbEngine> {
  const scratch = scratches.at(-1);
  if (scratch === undefined) throw new RangeError('create was not called');
  return LmdbEngine.open({ directory: scratch.path, durability, clock });
}

describeStorageEngine(`the LMDB engine with durability ${durability}`, {
  create: ({ clock }) => {
    scratches.push(scratchDirectory());
    return openLast(clock);
  },
  reopen: ({ clock }) => openLast(clock),
  replicates: 'across restarts',
  dispose: () => {
    for (const scratch of scratches.splice(0)) scratch.remove();
  },
});
