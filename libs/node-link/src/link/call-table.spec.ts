import fc from 'fast-check';
import { PendingCall, type Call } from './calls-in-flight.js';
import { CallTable } from './call-table.js';

const newCall = (): Call =>
  new PendingCall(
    'query',
    { items: [], partitions: [], weight: 0 },
    0,
    () => undefined,
    () => undefined,
  );

it('finds what a Map finds, and returns the oldest first, in any order of deletions', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(), { freq: 2 }), { maxLength: 500 }), (steps) => {
      const calls = new CallTable<Call>();
      const model = new Map<number, Call>();
      for (const step of steps) {
        const ids = [...model.keys()];
        const answered = step === null ? undefined : ids[step % ids.length];
        if (answered === undefined) {
          const call = newCall();
          model.set(calls.add(call), call);
        } else {
          calls.delete(answered);
          model.delete(answered);
          expect(calls.get(answered)).toBeUndefined();
        }
        expect(calls.size).toBe(model.size);
      }
      for (const [id, call] of model) expect(calls.get(id)).toBe(call);
      // Not toEqual: calls look alike.
      const inOrder = [...model.values()];
      expect(calls.oldestFirst().every((call, at) => call === inOrder[at])).toBe(true);
      expect(calls.oldestFirst()).toHaveLength(model.size);
    }),
  );
});

it('keeps a call that is never answered, however many come and go after it', () => {
  const calls = new CallTable<Call>();
  const kept = newCall();
  const id = calls.add(kept);
  const ids = new Set([id]);
  for (let i = 0; i < 10_000; i++) {
    const other = calls.add(newCall());
    expect(ids.has(other)).toBe(false);
    ids.add(other);
    calls.delete(other);
  }
  expect(calls.get(id)).toBe(kept);
  expect(calls.oldestFirst()).toHaveLength(1);
});

it('holds as many calls as are unanswered', () => {
  const calls = new CallTable<Call>();
  const byId = new Map(Array.from({ length: 1000 }, newCall).map((call) => [calls.add(call), call]));
  expect([byId.size, calls.size, calls.oldestFirst().length]).toEqual([1000, 1000, 1000]);
  for (const [id, call] of byId) expect(calls.get(id)).toBe(call);
});

it('knows of nothing after it was cleared, and of no id that it did not give', () => {
  const calls = new CallTable<Call>();
  const id = calls.add(newCall());
  expect(calls.get(id + 64)).toBeUndefined();
  expect(calls.get(-1)).toBeUndefined();
  calls.delete(id + 64);
  expect(calls.size).toBe(1);
  calls.clear();
  expect(calls.get(id)).toBeUndefined();
  expect(calls.size).toBe(0);
  expect(calls.oldestFirst()).toEqual([]);
});
