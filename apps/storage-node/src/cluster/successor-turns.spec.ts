import { SuccessorTurns } from './successor-turns.js';

it('asks one copy until the entry has another epoch, and then the next', () => {
  const turns = new SuccessorTurns();
  const ask = (partition: number, epoch: number) => turns.next(partition, epoch, ['a', 'b'], 0);
  expect([ask(7, 1), ask(7, 1), ask(7, 3), ask(7, 3), ask(7, 5)]).toEqual(['b', 'b', 'a', 'a', 'b']);
  expect(ask(8, 1)).toBe('a');
  expect(turns.next(9, 1, [], 0)).toBeUndefined();
});

it('knows since when a copy has been asked at an epoch', () => {
  const turns = new SuccessorTurns();
  expect(turns.askedSinceMs(7, 1)).toBeUndefined();
  for (const nowMs of [100, 200]) turns.next(7, 1, ['a'], nowMs);
  expect([turns.askedSinceMs(7, 1), turns.askedSinceMs(7, 2)]).toEqual([100, undefined]);
});
