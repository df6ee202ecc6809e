import { describeStorageEngine } from '../../testing/index.js';
import { MemoryEngine } from './memory-engine.js';

// The policies have tests of their own; here, they change nothing of what an engine promises.
for (const eviction of ['lru', 'sieve'] as const) {
  describeStorageEngine(`the memory engine, eviction ${eviction}`, {
    create: ({ clock }) => new MemoryEngine({ clock, eviction }),
    createBounded: ({ clock, maxBytes }) => new MemoryEngine({ clock, eviction, maxMemoryBytes: maxBytes }),
    replicates: 'while open',
  });
}
