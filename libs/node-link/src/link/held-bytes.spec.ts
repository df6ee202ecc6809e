import { HeldBytes } from './held-bytes.js';

let held: HeldBytes;
let closed: string[];
const link = (name: string) => ({ close: (reason: string) => void closed.push(`${name}: ${reason}`) });

beforeEach(() => {
  held = new HeldBytes(10, 20, 'too much');
  closed = [];
});

it('closes the oldest link when several hold more than the limit', () => {
  const [first, second, third] = [link('first'), link('second'), link('third')];
  held.set(first, 4);
  held.set(second, 4);
  held.set(third, 2);
  expect(closed).toEqual([]);
  held.set(third, 3);
  expect(closed).toEqual(['first: too much']);
});

it('closes the only link when it holds more than one link may', () => {
  const only = link('only');
  held.set(only, 20);
  expect(closed).toEqual([]);
  held.set(only, 21);
  expect(closed).toEqual(['only: too much']);
});
