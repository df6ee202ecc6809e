import { isBootId, type BootId } from '@kvs/topology';
import { FillTurns } from './fill-turns.js';

const turns = new FillTurns(2);
const begun: string[] = [];
const fills = new Map<string, () => void>();

function fill(name: string): () => void {
  const known = fills.get(name) ?? (() => void begun.push(name));
  fills.set(name, known);
  return known;
}

function learner(name: string): BootId {
  if (!isBootId(name)) throw new TypeError('no boot id');
  return name;
}

it('few fills to a learner run at once, and the others in the order in which they came', () => {
  for (const name of ['1', '2', '3', '4', '5']) turns.enter(learner('a'), fill(name));
  expect(begun).toEqual(['1', '2']);
  turns.leave(learner('a'), fill('2'));
  turns.leave(learner('a'), fill('2'));
  expect(begun).toEqual(['1', '2', '3']);
});

it('fills to another learner do not wait for them', () => {
  turns.enter(learner('b'), fill('of b'));
  expect(begun).toContain('of b');
});

it('a fill that gives up while it waits never begins', () => {
  turns.leave(learner('a'), fill('4'));
  turns.leave(learner('a'), fill('1'));
  turns.leave(learner('a'), fill('3'));
  expect(begun).toEqual(['1', '2', '3', 'of b', '5']);
});

it('what is larger than the limit runs alone', () => {
  turns.enter(learner('c'), fill('small'), 1);
  turns.enter(learner('c'), fill('large'), 3);
  turns.enter(learner('c'), fill('next'), 1);
  expect(begun.slice(5)).toEqual(['small']);
  turns.leave(learner('c'), fill('small'));
  expect(begun.slice(5)).toEqual(['small', 'large']);
  turns.leave(learner('c'), fill('large'));
  expect(begun.slice(5)).toEqual(['small', 'large', 'next']);
});

it('is idle once all have left', () => {
  for (const [to, name] of [
    ['a', '5'],
    ['b', 'of b'],
    ['c', 'next'],
  ] as const) {
    expect(turns.isIdle).toBe(false);
    turns.leave(learner(to), fill(name));
  }
  expect(turns.isIdle).toBe(true);
});
