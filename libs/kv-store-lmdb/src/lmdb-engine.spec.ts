import type { Clock } from '@kvs/kv-store';
import { describeStorageEngine } from '@kvs/kv-store/testing';
import { LmdbEngine } from './lmdb-engine.js';
import type { Durability } from './lmdb-engine-options.js';
import type { ScratchDirectory } from './testing/scratch-directory.js';
import { scratchDirectory } from './testing/scratch-directory.js';

describe.each<Durability>(['commit', 'sync'])('durability %s', (durability) => {
  const scratches: ScratchDirectory[] = [];
  const open = (scratch: ScratchDirectory | undefined, clock: Clock): LmdbEngine => {
    if (scratch === undefined) throw new RangeError('create was not called');
    return new LmdbEngine({ directory: scratch.path, durability, clock });
  };
  describeStorageEngine('the LMDB engine', {
    create: ({ clock }) => {
      scratches.push(scratchDirectory());
      return open(scratches.at(-1), clock);
    },
    reopen: ({ clock }) => open(scratches.at(-1), clock),
    dispose: () => {
      for (const scratch of scratches.splice(0)) scratch.remove();
    },
  });
});
