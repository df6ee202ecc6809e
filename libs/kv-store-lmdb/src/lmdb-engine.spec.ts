import { describeStorageEngine } from '@kvs/kv-store/testing';
import { LmdbEngine } from './lmdb-engine.js';
import type { Durability } from './lmdb-engine-options.js';
import type { ScratchDirectory } from './testing/scratch-directory.js';
import { scratchDirectory } from './testing/scratch-directory.js';

describe.each<Durability>(['commit', 'sync'])('durability %s', (durability) => {
  let scratch: ScratchDirectory;
  describeStorageEngine('the LMDB engine', {
    create: ({ clock }) => {
      scratch = scratchDirectory();
      return new LmdbEngine({ directory: scratch.path, durability, clock });
    },
    reopen: ({ clock }) => new LmdbEngine({ directory: scratch.path, durability, clock }),
    dispose: () => scratch.remove(),
  });
});
