import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { ManualTime } from '@kvs/protocol/testing';
import type { EngineFactory } from '../storage-engine.js';
import { describeStorageEngine, ManualClock } from '../../testing/index.js';
import { numbered, placed, scanKeys, write } from '../../testing/pairs.js';
import { seededRandom } from '../../testing/seeded-random.js';
import { MemoryEngine } from './memory-engine.js';
import { MIN_MAX_MEMORY_BYTES } from './memory-limits.js';
import { Records } from './records.js';

describeStorageEngine('the memory engine', {
  create: ({ clock }) => new MemoryEngine({ clock }),
  createBounded: ({ clock, maxBytes }) => new MemoryEngine({ clock, maxMemoryBytes: maxBytes }),
  replicates: 'while open',
});

let directory = '';
const reopen: EngineFactory = ({ clock }) => MemoryEngine.open({ clock, snapshot: { directory } });

describeStorageEngine('the memory engine with a snapshot', {
  async create(options) {
    directory = await mkdtemp(join(tmpdir(), 'kvs-snapshot-'));
    return reopen(options);
  },
  reopen,
  replicates: 'while open',
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

  it.each(['lru', 'sieve'] as const)(
    'evicts nothing for a pair that would not fit beside the tables either (%s)',
    (eviction) => {
      const maxMemoryBytes = 4 * 1024 * 1024;
      const engine = new MemoryEngine({ clock, eviction, maxMemoryBytes });
      // Each partition takes room that no eviction gives back.
      for (let partition = 0; partition < 4096; partition++)
        engine.setMany([write('key', 'v', { partition })]);
      const huge = write('huge', 'v'.repeat(maxMemoryBytes - 500_000));
      expect(engine.setMany([huge])).toEqual([{ status: 'out_of_memory' }]);
      expect(engine.stats().pairCount).toBe(4096);
    },
  );

  it.each(['lru', 'sieve'] as const)(
    'goes on taking pairs of all partitions at the smallest limit, whatever their sizes (%s)',
    (eviction) => {
      const engine = new MemoryEngine({ clock, eviction, maxMemoryBytes: MIN_MAX_MEMORY_BYTES });
      const random = seededRandom(1);
      const sizes = [100, 1000, 10_000, 100_000].map((length) => 'v'.repeat(length));
      for (let i = 0; i < 40_000; i++) {
        // All partitions one after the other, and then one size for a while.
        const value = i < 4096 ? '' : (sizes[Math.floor(i / 3000) % sizes.length] ?? '');
        const details = { partition: i < 4096 ? i : random.below(4096) };
        const [outcome] = engine.setMany([
          write(`key-${i}`, value.slice(random.below(value.length + 1)), details),
        ]);
        expect(outcome?.status).toBe('written');
      }
      expect(engine.stats().usedBytes).toBeLessThanOrEqual(MIN_MAX_MEMORY_BYTES);
    },
  );

  it.each(['lru', 'sieve'] as const)(
    'still has what it has just written when its table grows (%s)',
    (eviction) => {
      const engine = new MemoryEngine({ clock, eviction, maxMemoryBytes: MIN_MAX_MEMORY_BYTES });
      let present = 0;
      for (let i = 0; i < 30_000; i++) {
        const item = write(`key-${i}`, 'v'.repeat(i < 300 ? 7000 : 10));
        engine.setMany([item]);
        present += engine.hasMany([item]).filter(({ status }) => status === 'present').length;
        // All others are in use, so that the newest is the first that the hand of SIEVE finds.
        engine.hasMany(Array.from({ length: 5 }, (_, back) => placed(`key-${Math.max(0, i - back)}`)));
      }
      expect(present).toBe(30_000);
    },
  );

  it('passes over a bounded number of used pairs for a write, also if that evicts many (sieve)', () => {
    const engine = new MemoryEngine({ clock, eviction: 'sieve', maxMemoryBytes: MIN_MAX_MEMORY_BYTES });
    engine.setMany(numbered(100_000).map((key) => write(key)));
    engine.hasMany(numbered(100_000).map((key) => placed(key)));
    const before = engine.stats().pairCount;
    const marked = jest.spyOn(Records.prototype, 'setVisited');
    engine.setMany([write('large', 'v'.repeat(1_000_000))]);
    const passed = marked.mock.calls.filter(([, visited]) => !visited).length;
    marked.mockRestore();
    expect(before - engine.stats().pairCount).toBeGreaterThan(1000);
    expect(passed).toBe(10_000);
  });

  it('takes deadlines of before 1970', () => {
    const engine = new MemoryEngine({ clock });
    engine.setMany([write('key', 'v', { expiresAtMs: -1 })]);
    expect(engine.hasMany([placed('key')])).toEqual([{ status: 'absent' }]);
  });

  it.each(['lru', 'sieve'] as const)('evicts no pair while there are expired ones (%s)', (eviction) => {
    const time = new ManualClock();
    const scheduler = new ManualTime();
    const engine = new MemoryEngine({
      clock: time,
      scheduler,
      eviction,
      maxMemoryBytes: MIN_MAX_MEMORY_BYTES,
    });
    const live = numbered(9000, 'live').map((key) => write(key, 'v'.repeat(100)));
    engine.setMany(live);
    const expiresAtMs = time.nowMs() + 10;
    engine.setMany(numbered(9000, 'brief').map((key) => write(key, 'v'.repeat(100), { expiresAtMs })));
    time.advanceMs(10);
    // Twice as many would not fit. Nothing runs in the background.
    engine.setMany(numbered(9000, 'more').map((key) => write(key, 'v'.repeat(100))));
    expect(engine.hasMany(live)).toEqual(live.map(() => ({ status: 'present' })));
    expect(engine.stats().pairCount).toBeLessThan(27_000);
  });

  it('lets others have their turn while it scans a large partition in vain', async () => {
    const engine = new MemoryEngine({ clock });
    engine.setMany(numbered(100_000).map((key) => write(key)));
    let isOver = false;
    const scanned = scanKeys(engine, undefined, { idPrefix: 'snot there' }).finally(() => (isOver = true));
    let turns = 0;
    for (; !isOver; turns++) await setImmediate();
    expect(await scanned).toEqual([]);
    expect(turns).toBeGreaterThan(20);
  });
});
