import fc from 'fast-check';
import { jest } from '@jest/globals';
import { parseInteger } from './integer.js';
import { keyId, stringKey, stringValue, type Key } from './key.js';
import type { MaybePromise } from './maybe-promise.js';
import type { DeleteItem, Entry, SetItem } from './operations.js';
import { exclusive, exclusiveUpdate, OrderedOperations } from './exclusive-operations.js';
import { ManualTime } from './testing/manual-time.js';
import { MapOperations } from './testing/map-operations.js';
import { lifeOf, MAX_ATTEMPTS, update, type Change } from './update.js';

const KEY = stringKey('counter');

/** Operations that are done at once, or after as many turns as `delay` says. */
class Store extends MapOperations {
  constructor(readonly delay?: () => number) {
    super();
  }

  override set(items: readonly SetItem[]) {
    return this.#later(() => super.set(items));
  }

  override fetch(keys: readonly Key[]) {
    return this.#later(() => super.fetch(keys));
  }

  override query(keys: readonly Key[]) {
    return this.#later(() => super.query(keys));
  }

  override delete(items: readonly DeleteItem[]) {
    return this.#later(() => super.delete(items));
  }

  #later<T>(apply: () => MaybePromise<T>): MaybePromise<T> {
    return this.delay === undefined ? apply() : turns(this.delay()).then(apply);
  }
}

const MISMATCH = { ok: false as const, code: 'version_mismatch' as const, message: '' };

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

function plus(by: number): (entry: Entry | null) => Change<number> {
  return (entry) => {
    const result = Number(parseInteger(entry?.value.data ?? '0')) + by;
    return { kind: 'write', value: stringValue(String(result)), result, ...lifeOf(entry) };
  };
}

describe('an update', () => {
  it('answers at once if the store does', () => {
    const store = new Store();
    const ordered = new OrderedOperations(store);
    expect(exclusiveUpdate(ordered, KEY, plus(2))).toEqual({ ok: true, result: 2, version: 1 });
    expect(exclusiveUpdate(ordered, KEY, plus(3))).toEqual({ ok: true, result: 5, version: 2 });
  });

  it('can leave the pair, delete it, and keep its deadline', () => {
    const store = new Store();
    store.set([{ key: KEY, value: stringValue('1'), expiresAtMs: 50 }]);
    expect(update(store, KEY, () => ({ kind: 'keep', result: 'same' }))).toEqual({
      ok: true,
      result: 'same',
    });
    update(store, KEY, plus(1));
    expect(store.pairs.get(keyId(KEY))).toMatchObject({ value: { data: '2' }, expiresAtMs: 50 });
    expect(update(store, KEY, () => ({ kind: 'delete', result: 'gone' }))).toEqual({
      ok: true,
      result: 'gone',
    });
    expect(store.pairs.size).toBe(0);
    expect(update(store, KEY, () => ({ kind: 'delete', result: 'none' }))).toEqual({
      ok: true,
      result: 'none',
    });
  });

  it('can give the pair a new time to live', () => {
    const store = new Store();
    store.set([{ key: KEY, value: stringValue('1'), expiresAtMs: 50 }]);
    update(store, KEY, () => ({ kind: 'write', value: stringValue('2'), ttlMs: 70, result: undefined }));
    expect(store.pairs.get(keyId(KEY))).toMatchObject({ ttlMs: 70 });
  });

  it('deletes no other pair than the one that it has read', () => {
    const store = new Store();
    store.set([{ key: KEY, value: stringValue('1') }]);
    const read: (string | undefined)[] = [];
    const outcome = update(store, KEY, (entry) => {
      if (read.push(entry?.value.data) === 1) store.set([{ key: KEY, value: stringValue('2') }]);
      return { kind: 'delete', result: entry?.value.data };
    });
    expect([read, outcome]).toEqual([['1', '2'], { ok: true, result: '2' }]);
  });

  it('throws what the change throws, and then keeps no key', () => {
    const ordered = new OrderedOperations(new Store());
    const failing = () =>
      exclusiveUpdate(ordered, KEY, () => {
        throw new RangeError('too much');
      });
    expect(failing).toThrow(RangeError);
    expect(exclusiveUpdate(ordered, KEY, plus(1))).toMatchObject({ result: 1 });
  });

  it('passes on why the store did not read or write, and does not repeat what may have been applied', () => {
    const failure = { ok: false, code: 'node_unavailable', message: 'away', maybeApplied: true } as const;
    const store = new Store();
    expect(update({ ...parts(store), fetch: () => [failure] }, KEY, plus(1))).toEqual(failure);
    const set = jest.fn(() => [failure]);
    expect(update({ ...parts(store), set }, KEY, plus(1))).toEqual(failure);
    expect(set).toHaveBeenCalledTimes(1);
  });

  it('gives up when others always come in between', () => {
    const store = new Store();
    const set = jest.fn(() => [MISMATCH]);
    expect(update({ ...parts(store), set }, KEY, plus(1))).toMatchObject({ ok: false, code: 'overloaded' });
    expect(set).toHaveBeenCalledTimes(MAX_ATTEMPTS);
  });

  it('loses nothing, however the updates of several processes interleave', async () => {
    const increments = fc.array(fc.record({ process: fc.nat(2), by: fc.integer({ min: -5, max: 5 }) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(increments, fc.infiniteStream(fc.nat(6)), async (all, delays) => {
        const store = new Store(() => delays.next().value ?? 0);
        const processes = [0, 1, 2].map(() => new OrderedOperations(store));
        const updateBy = (process: number, by: number) => {
          const ordered = processes[process];
          return ordered && exclusiveUpdate(ordered, KEY, plus(by));
        };
        const outcomes = await Promise.all(all.map(({ process, by }) => updateBy(process, by)));
        expect(outcomes.filter((outcome) => outcome?.ok !== true)).toEqual([]);
        const sum = all.reduce((total, { by }) => total + by, 0);
        expect(Number(store.pairs.get(keyId(KEY))?.value.data ?? 0)).toBe(sum);
      }),
      { numRuns: 50 },
    );
  });
});

describe('keys that somebody has for themselves', () => {
  it('are those of one order, however often the operations are made exclusive', () => {
    const ordered = exclusive(new Store());
    expect(exclusive(ordered)).toBe(ordered);
  });

  it('let updates of one process never conflict', async () => {
    const store = new Store(() => 3);
    const ordered = new OrderedOperations(store);
    const set = jest.spyOn(store, 'set');
    await Promise.all(Array.from({ length: 10 }, () => exclusiveUpdate(ordered, KEY, plus(1))));
    expect(set).toHaveBeenCalledTimes(10);
  });

  it('have other calls of the process wait, and no calls on other keys', async () => {
    const store = new Store(() => 3);
    const ordered = new OrderedOperations(store);
    const other = stringKey('other');
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    const before = Promise.resolve(ordered.fetch([KEY])).then(note('before'));
    const alone = ordered.exclusively([KEY, other], async (operations) => {
      await operations.set([{ key: KEY, value: stringValue('1') }]);
      await operations.fetch([other]);
      order.push('alone');
    });
    const after = Promise.resolve(ordered.delete([{ key: other }])).then(note('after'));
    const beside = Promise.resolve(ordered.query([stringKey('beside')])).then(note('beside'));
    await Promise.all([before, alone, after, beside]);
    expect(order).toEqual(['before', 'beside', 'alone', 'after']);
  });

  it('fail all calls that have waited for 5 s, while the call before them still runs', async () => {
    const store = new Store();
    const time = new ManualTime();
    const ordered = new OrderedOperations(store, time);
    let end = (): void => undefined;
    const hung = ordered.exclusively([KEY], () => new Promise<void>((resolve) => (end = resolve)));
    const late = Array.from({ length: 3 }, () => [
      exclusiveUpdate(ordered, KEY, plus(1)),
      ordered.fetch([KEY]),
      ordered.set([{ key: KEY, value: stringValue('late') }]),
    ]).flat();
    const failures = Promise.allSettled(late);
    time.advanceMs(1000);
    const last = exclusiveUpdate(ordered, KEY, plus(1));
    time.advanceMs(4000);
    for (const failure of await failures)
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'overloaded' } });
    end();
    await hung;
    expect(await last).toMatchObject({ ok: true, result: 1 });
    expect(time.waits).toEqual([]);
  });

  it('fail a call that begins after 5 s, also if the timer is late', async () => {
    const time = new ManualTime();
    let nowMs = 0;
    const timers = { nowMs: () => nowMs, after: time.after.bind(time) };
    const ordered = new OrderedOperations(new Store(() => 1), timers);
    const first = ordered.exclusively([KEY], (own) => own.query([KEY]));
    const late = ordered.query([KEY]);
    nowMs = 5001;
    await first;
    await expect(late).rejects.toMatchObject({ code: 'overloaded' });
    expect(time.waits).toEqual([]);
  });

  it('are free again after a failure', async () => {
    const ordered = new OrderedOperations(new Store(() => 1));
    await expect(
      ordered.exclusively([KEY], async () => {
        throw new RangeError('failed');
      }),
    ).rejects.toThrow(RangeError);
    expect(await ordered.query([KEY])).toEqual([{ ok: true, present: false }]);
  });
});

function parts(store: Store) {
  return {
    set: (items: readonly SetItem[]) => store.set(items),
    fetch: (keys: readonly Key[]) => store.fetch(keys),
    delete: (items: readonly DeleteItem[]) => store.delete(items),
  };
}
