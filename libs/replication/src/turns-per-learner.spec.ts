import { boot } from '@kvs/topology/testing';
import { TurnsPerLearner } from './turns-per-learner.js';

const turns = new TurnsPerLearner(2);
const begun: string[] = [];
const fills = new Map<string, () => void>();

function fill(name: string): () => void {
  const known = fills.get(name) ?? (() => void begun.push(name));
  fills.set(name, known);
  return known;
}

it('few fills to a learner run at once, and the others in the order in which they came', () => {
  for (const name of ['1', '2', '3', '4', '5']) turns.enter(boot('a'), fill(name));
  expect(begun).toEqual(['1', '2']);
  turns.leave(boot('a'), fill('2'));
  turns.leave(boot('a'), fill('2'));
  expect(begun).toEqual(['1', '2', '3']);
});

it('fills to another learner do not wait for them', () => {
  turns.enter(boot('b'), fill('of b'));
  expect(begun).toContain('of b');
});

it('a fill that gives up while it waits never begins', () => {
  turns.leave(boot('a'), fill('4'));
  turns.leave(boot('a'), fill('1'));
  turns.leave(boot('a'), fill('3'));
  expect(begun).toEqual(['1', '2', '3', 'of b', '5']);
});

it('what is larger than the limit runs alone', () => {
  turns.enter(boot('c'), fill('small'), 1);
  turns.enter(boot('c'), fill('large'), 3);
  turns.enter(boot('c'), fill('next'), 1);
  expect(begun.slice(5)).toEqual(['small']);
  turns.leave(boot('c'), fill('small'));
  expect(begun.slice(5)).toEqual(['small', 'large']);
  turns.leave(boot('c'), fill('large'));
  expect(begun.slice(5)).toEqual(['small', 'large', 'next']);
});

it('is idle once all have left', () => {
  for (const [to, name] of [
    ['a', '5'],
    ['b', 'of b'],
    ['c', 'next'],
  ] as const) {
    expect(turns.isIdle).toBe(false);
    turns.leave(boot(to), fill(name));
  }
  expect(turns.isIdle).toBe(true);
});
