import { keyId, stringKey } from '@kvs/protocol';
import type { Effect } from './messages.js';
import { Tail } from './tail.js';

const BASE = { epoch: 3, number: 17 };
const effect = (number: number, bytes = 1): Effect => ({
  position: { epoch: 3, number },
  id: keyId(stringKey('k'.repeat(bytes))),
  entry: undefined,
});
const numbers = (effects: readonly Effect[]) => effects.map(({ position }) => position.number);

function tailOf(...effects: readonly Effect[]): Tail {
  const tail = new Tail(BASE);
  for (const one of effects) tail.push(one);
  return tail;
}

it('a tail takes as many bytes as one that never had the effects that it has forgotten', () => {
  const all = [effect(18), effect(19, 100), effect(20, 1000), effect(21, 5)];
  const tail = tailOf(...all);
  tail.trim(18);
  tail.cut(20);
  expect([tail.base.number, tail.end.number, tail.bytes]).toEqual([18, 20, tailOf(...all.slice(1, 3)).bytes]);
  tail.trim(20);
  expect([tail.base.number, tail.end.number, tail.bytes]).toEqual([20, 20, 0]);
});

it('a tail that is cut before its first effect keeps none', () => {
  const tail = tailOf(effect(18), effect(19), effect(20));
  tail.cut(BASE.number - 1);
  expect([tail.end, tail.bytes]).toEqual([BASE, 0]);
});

it('a part of a tail has at least one effect, and ends soon after the limit', () => {
  const tail = tailOf(effect(18, 1000), effect(19, 1000), effect(20, 1000), effect(21, 1000));
  expect(numbers(tail.after(BASE, 1))).toEqual([18]);
  expect(numbers(tail.after({ epoch: 3, number: 18 }, 4000))).toEqual([19, 20]);
  expect(numbers(tail.after({ epoch: 3, number: 19 }))).toEqual([20, 21]);
});
