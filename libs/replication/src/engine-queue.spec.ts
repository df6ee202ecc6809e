import { EngineQueue } from './engine-queue.js';

it('makes one call at a time, in order', () => {
  const queue = new EngineQueue();
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  for (const number of [1, 2, 3])
    queue.run((next) => {
      begun.push(number);
      ends.push(next);
    });
  expect([begun, queue.isIdle]).toEqual([[1], false]);
  ends[0]?.();
  expect(begun).toEqual([1, 2]);
  ends[1]?.();
  ends[2]?.();
  expect([begun, queue.isIdle]).toEqual([[1, 2, 3], true]);
});

it('makes any number of calls that are done at once', () => {
  const queue = new EngineQueue();
  let end: () => void = () => undefined;
  let count = 0;
  queue.run((next) => (end = next));
  for (let i = 0; i < 100_000; i++)
    queue.run((next) => {
      count++;
      next();
    });
  end();
  expect([count, queue.isIdle]).toEqual([100_000, true]);
});
