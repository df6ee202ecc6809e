import { SuccessorTurns } from './successor-turns.js';

it('asks one copy until the entry has another epoch, and then the next', () => {
  const turns = new SuccessorTurns();
  const ask = (partition: number, epoch: number) => turns.next(partition, epoch, ['a', 'b']);
  expect([ask(7, 1), ask(7, 1), ask(7, 3), ask(7, 3), ask(7, 5)]).toEqual(['b', 'b', 'a', 'a', 'b']);
  expect(ask(8, 1)).toBe('a');
  expect(turns.next(9, 1, [])).toBeUndefined();
});
