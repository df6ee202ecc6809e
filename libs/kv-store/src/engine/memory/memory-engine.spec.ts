import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineFactory } from '../engine-factory.js';
import { describeStorageEngine } from '../../testing/index.js';
import { EVICTIONS } from './eviction/eviction-policy.js';
import { MemoryEngine } from './memory-engine.js';

for (const eviction of EVICTIONS) {
  describeStorageEngine(`the memory engine, eviction ${eviction}`, {
    create: ({ clock }) => new MemoryEngine({ clock, eviction }),
    createBounded: ({ clock, maxBytes }) => new MemoryEngine({ clock, eviction, maxMemoryBytes: maxBytes }),
  });
}

let directory = '';
const reopen: EngineFactory = ({ clock }) => MemoryEngine.open({ clock, snapshot: { directory } });

describeStorageEngine('the memory engine with a snapshot', {
  async create(options) {
    directory = await mkdtemp(join(tmpdir(), 'kvs-snapshot-'));
    return reopen(options);
  },
  reopen,
  dispose: () => rm(directory, { recursive: true }),
});

describe('the memory engine', () => {
  const clock = { nowMicros: () => 1 };

  it.each([0, -1, 1.5, NaN, 1024])('refuses a limit of %p bytes', (maxMemoryBytes) => {
    expect(() => new MemoryEngine({ clock, maxMemoryBytes })).toThrow(RangeError);
  });

  it('chooses a limit by itself when none is given', () => {
    const { maxBytes } = new MemoryEngine({ clock }).stats();
    expect(maxBytes).toBeGreaterThan(0);
  });
});
