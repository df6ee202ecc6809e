import { SuccessorTurns } from './successor-turns.js';

it('asks one copy until the entry has another epoch, and then the next', () => {
  const turns = new SuccessorTurns();
  const ask = (partition: number, epoch: number) => turns.next(partition, epoch, ['a', 'b']);
  expect([ask(7, 1), ask(7, 1), ask(7, 3), ask(7, 3), ask(7, 5)]).toEqual(['a', 'a', 'b', 'b', 'a']);
  expect(turns.next(9, 1, [])).toBeUndefined();
});

it('asks one copy for a run of neighboring partitions, and another one for the next run', () => {
  const turns = new SuccessorTurns();
  const asked = Array.from({ length: 192 }, (_, partition) => turns.next(partition, 1, ['a', 'b']));
  expect(asked.map((copy, i) => copy !== asked[i - 1]).filter(Boolean)).toHaveLength(3);
});
