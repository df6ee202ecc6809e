import { ManualTime } from '@kvs/protocol/testing';
import { ManualClock } from '../../testing/index.js';
import { numbered, PARTITION, remove, set, write } from '../../testing/pairs.js';
import { MemoryEngine } from './memory-engine.js';

describe('the sweep of expired pairs', () => {
  it('reclaims them though nobody reads them, and gives their memory back', () => {
    const { engine, clock, scheduler } = open();
    const before = engine.stats().usedBytes ?? 0;
    const expiresAtMs = clock.nowMs() + 10;
    engine.setMany(numbered(20_000).map((key) => write(key, 'v'.repeat(100), { expiresAtMs })));
    engine.setMany([write('stays'), write('later', 'v', { expiresAtMs: expiresAtMs + 100_000 })]);
    const full = engine.stats().usedBytes ?? 0;
    clock.advanceMs(10);
    scheduler.advanceMs(1000);
    const { pairCount, usedBytes = 0 } = engine.stats();
    expect(pairCount).toBe(2);
    expect(usedBytes - before).toBeLessThan((full - before) / 5);
  });

  it.each(['write', 'fill', 'apply'] as const)('reclaims those that came by replication (%s)', (way) => {
    const { engine, clock, scheduler } = open();
    const { replication } = engine;
    const item = write('key', 'v', { expiresAtMs: clock.nowMs() + 10 });
    const entry = { ...item, version: 1 };
    if (way === 'write') replication.write(PARTITION, [item], 1);
    else if (way === 'fill') replication.fill(PARTITION, [entry]);
    else replication.apply(PARTITION, [{ position: { epoch: 1, number: 1 }, id: item.id, entry }], 1);
    expect(engine.stats().pairCount).toBe(1);
    clock.advanceMs(10);
    scheduler.advanceMs(1000);
    expect(engine.stats().pairCount).toBe(0);
  });

  it.each([
    [20_000, 1],
    [100, 1_000_000],
  ])('does no more than a turn of it at once, with %i values of %i bytes', (count, length) => {
    const { engine, clock, scheduler } = open(256 * 1024 * 1024);
    const expiresAtMs = clock.nowMs() + 10;
    engine.setMany(numbered(count).map((key) => write(key, 'v'.repeat(length), { expiresAtMs })));
    clock.advanceMs(10);
    scheduler.advanceMs(100);
    expect(engine.stats().pairCount).toBeGreaterThan(count / 2);
    expect(engine.stats().pairCount).toBeLessThan(count);
  });

  it('reclaims a pair too that was written while it was reclaiming others', () => {
    // In most rounds, the sweep has passed the place of the pair.
    for (let round = 0; round < 8; round++) {
      const { engine, clock, scheduler } = open();
      const expiring = (key: string) => write(key, 'v', { expiresAtMs: clock.nowMs() + 10 });
      engine.setMany(numbered(5000).map(expiring));
      clock.advanceMs(10);
      scheduler.advanceMs(100);
      expect(engine.stats().pairCount).toBeGreaterThan(0);
      engine.setMany([expiring('late')]);
      scheduler.advanceMs(1000);
      expect(engine.stats().pairCount).toBe(1);
      clock.advanceMs(10);
      scheduler.advanceMs(1000);
      expect(engine.stats().pairCount).toBe(0);
    }
  });

  it('never reuses the versions of reclaimed pairs', async () => {
    const { engine, clock, scheduler } = open();
    const start = clock.nowMicros();
    const version = await set(engine, write('key', 'v', { expiresAtMs: clock.nowMs() + 1 }));
    clock.advanceMs(1);
    scheduler.advanceMs(1000);
    expect(engine.stats().pairCount).toBe(0);
    clock.setMicros(start);
    expect(await set(engine, write('key'))).toBeGreaterThan(version);
  });

  it.each([100, 7000, 20_000])(
    'leaves no expired pair in the way of a write, values of %i bytes',
    (length) => {
      const { engine, clock, scheduler } = open(4 * 1024 * 1024);
      const expiresAtMs = clock.nowMs() + 10;
      const later = write('later', 'v', { expiresAtMs: expiresAtMs + 100_000 });
      const fill = numbered(30_000).map((key) => write(key, 'v'.repeat(length), { expiresAtMs }));
      expect(engine.setMany([later, ...fill]).at(-1)).toEqual({ status: 'out_of_memory' });
      // The sweep finds nothing.
      scheduler.advanceMs(1000);
      expect(engine.setMany([later])).toMatchObject([{ status: 'written' }]);
      clock.advanceMs(10);
      const writes = [write('small'), write('large', 'v'.repeat(2_000_000))];
      expect(engine.setMany(writes).map(({ status }) => status)).toEqual(['written', 'written']);
    },
  );

  it('runs only while there are pairs that expire, and stops at close', async () => {
    const { engine, clock, scheduler } = open();
    await set(engine, write('stays'));
    expect(scheduler.waits).toHaveLength(0);
    await set(engine, write('key', 'v', { expiresAtMs: clock.nowMs() + 1 }));
    expect(scheduler.waits).toHaveLength(1);
    await remove(engine, 'key');
    clock.advanceMs(1);
    scheduler.advanceMs(1000);
    expect(scheduler.waits).toHaveLength(0);
    await set(engine, write('key', 'v', { expiresAtMs: clock.nowMs() + 1 }));
    engine.close();
    expect(scheduler.waits).toHaveLength(0);
  });
});

function open(maxMemoryBytes?: number) {
  const clock = new ManualClock();
  const scheduler = new ManualTime();
  return {
    clock,
    scheduler,
    engine: new MemoryEngine({ clock, scheduler, ...(maxMemoryBytes !== undefined && { maxMemoryBytes }) }),
  };
}
