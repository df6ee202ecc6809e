import {
  exclusive,
  KvsError,
  MaybeAppliedError,
  stringKey,
  stringValue,
  type KeyValueOperations,
  type SetItem,
} from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { writePrecondition, type Precondition } from './preconditions.js';
import { SingleKey } from './single-key.js';

const key = stringKey('k');
const [mine, theirs] = [stringValue('mine'), stringValue('theirs')];
const NONE: Precondition = {};
const present = writePrecondition({ 'if-match': '*' });

/** Somebody else writes the key between our reading and our writing, so many times. */
class RacedOperations extends MapOperations {
  #races: number;

  constructor(races: number) {
    super();
    this.#races = races;
  }

  override set(items: readonly SetItem[]) {
    if (this.#races-- > 0) super.set([{ key, value: theirs }]);
    return super.set(items);
  }
}

const singleKey = (operations: KeyValueOperations, ordered = exclusive(operations)) =>
  new SingleKey(operations, ordered, key);

const failing = (operation: keyof KeyValueOperations, maybeApplied?: true) =>
  Object.assign(new MapOperations(), {
    [operation]: () => [
      { ok: false, code: 'node_unavailable', message: 'gone', ...(maybeApplied && { maybeApplied }) },
    ],
  });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const reason: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (reason instanceof KvsError) return reason.code;
  throw new TypeError('no operating error', { cause: reason });
}

async function withKey<T extends MapOperations>(operations: T): Promise<T> {
  await MapOperations.prototype.set.call(operations, [{ key, value: theirs }]);
  return operations;
}

describe('one key', () => {
  it('is written, read and removed', async () => {
    const single = singleKey(new MapOperations());
    expect(await single.read()).toBeNull();
    const { version, created } = await single.write(mine, 5, NONE);
    expect(created).toBe(true);
    expect(await single.read()).toMatchObject({ value: mine, version, ttlMs: 5 });
    expect(await single.remove(NONE)).toBe(true);
    expect(await single.remove(NONE)).toBe(false);
  });

  it('is read and written while an update waits', async () => {
    const operations = new MapOperations();
    const ordered = exclusive(operations);
    let end: () => void = () => undefined;
    const update = ordered.exclusively([key], () => new Promise<void>((resolve) => (end = resolve)));
    const single = singleKey(operations, ordered);
    await single.write(mine, undefined, NONE);
    expect((await single.read())?.value).toEqual(mine);
    end();
    await update;
  });

  it('is not written or removed when its version is another', async () => {
    const operations = await withKey(new MapOperations());
    const single = singleKey(operations);
    const stale: Precondition = { ifVersion: 99 };
    expect(await codeOf(single.write(mine, undefined, stale))).toBe('precondition_failed');
    expect(await codeOf(single.remove(stale))).toBe('precondition_failed');
    expect((await single.read())?.value).toEqual(theirs);
  });

  it('is written and removed when a predicate holds of what is there', async () => {
    const single = singleKey(await withKey(new MapOperations()));
    const { version, created } = await single.write(mine, 5, present);
    expect([await single.read(), created]).toMatchObject([{ value: mine, version, ttlMs: 5 }, false]);
    expect(await single.remove(present)).toBe(true);
    expect(await single.remove(writePrecondition({ 'if-none-match': '"7"' }))).toBe(false);
  });

  it('is not written when a predicate does not hold of what is there', async () => {
    const single = singleKey(new MapOperations());
    expect(await codeOf(single.write(mine, undefined, present))).toBe('precondition_failed');
    expect(await codeOf(single.remove(present))).toBe('precondition_failed');
  });
});

describe('a write that others overtake between its read and its write', () => {
  it('is refused when the predicate does not hold any more', async () => {
    const operations = await withKey(new RacedOperations(1));
    const single = singleKey(operations);
    const version = (await single.read())?.version ?? 0;
    const tags = writePrecondition({ 'if-match': `"${version}", "12345"` });
    expect(await codeOf(single.write(mine, undefined, tags))).toBe('precondition_failed');
    expect((await single.read())?.value).toEqual(theirs);
  });

  it('is tried again while the predicate holds', async () => {
    const single = singleKey(await withKey(new RacedOperations(3)));
    await single.write(mine, undefined, present);
    expect((await single.read())?.value).toEqual(mine);
  });

  it('is not refused as if the predicate did not hold if it is overtaken each time', async () => {
    const single = singleKey(await withKey(new RacedOperations(Infinity)));
    expect(await codeOf(single.write(mine, undefined, present))).toBe('overloaded');
  });

  it('is never overtaken by another of the same process', async () => {
    const operations = await withKey(new MapOperations());
    let calls = 0;
    const late = {
      fetch: async (keys: Parameters<MapOperations['fetch']>[0]) => (calls++, operations.fetch(keys)),
      set: async (items: readonly SetItem[]) => (calls++, operations.set(items)),
    };
    const single = singleKey(Object.assign(new MapOperations(), late));
    await Promise.all(Array.from({ length: 20 }, () => single.write(mine, undefined, present)));
    expect(calls).toBe(40);
  });
});

describe('a failure', () => {
  it('is thrown with its code', async () => {
    expect(await codeOf(singleKey(failing('fetch')).read())).toBe('node_unavailable');
    expect(await codeOf(singleKey(failing('set')).write(mine, undefined, NONE))).toBe('node_unavailable');
    expect(await codeOf(singleKey(failing('delete')).remove(NONE))).toBe('node_unavailable');
  });

  it('of the read that a predicate needs prevents the write', async () => {
    const operations = failing('fetch');
    expect(await codeOf(singleKey(operations).write(mine, undefined, present))).toBe('node_unavailable');
    expect(operations.pairs.size).toBe(0);
  });

  it('that leaves open whether the write was applied says so', async () => {
    const single = singleKey(failing('set', true));
    await expect(single.write(mine, undefined, NONE)).rejects.toThrow(MaybeAppliedError);
  });

  it('to answer at all is a defect', async () => {
    const operations = Object.assign(new MapOperations(), { fetch: () => [] });
    await expect(singleKey(operations).read()).rejects.toThrow(TypeError);
  });
});
