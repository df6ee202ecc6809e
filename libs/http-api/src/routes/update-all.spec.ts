import { updateAll } from './update-all.js';

const done = { ok: true } as const;

it('updates have a minute to begin, so that a request for a node that hangs ends', async () => {
  let nowMs = 0;
  const begun: number[] = [];
  const items = Array.from({ length: 100 }, (_, i) => i);
  const update = (item: number) => {
    begun.push(item);
    nowMs += 1000;
    return { ok: true, result: done } as const;
  };
  const outcomes = await updateAll(items, update, () => nowMs);
  expect(begun).toEqual(items.slice(0, 64));
  expect(outcomes.slice(0, 64)).toEqual(begun.map(() => done));
  expect(outcomes.slice(64)).toEqual(
    items.slice(64).map(() => expect.objectContaining({ ok: false, code: 'overloaded' })),
  );
});
