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

it('closes a link that always holds a little only after those that hold much', () => {
  const large = new HeldBytes(640, 640, 'too much');
  const [busy, slow, stuck] = [link('busy'), link('slow'), link('stuck')];
  large.set(busy, 9);
  large.set(slow, 400);
  large.set(busy, 8);
  large.set(stuck, 300);
  expect(closed).toEqual(['slow: too much']);
});

it('counts the age of a link from when it last held little', () => {
  const large = new HeldBytes(640, 640, 'too much');
  const [busy, slow, stuck] = [link('busy'), link('slow'), link('stuck')];
  large.set(busy, 300);
  large.set(slow, 300);
  large.set(busy, 1);
  large.set(busy, 300);
  large.set(stuck, 300);
  expect(closed).toEqual(['slow: too much']);
});

it('closes the links that have not moved for the longest when all hold little', () => {
  const many = new HeldBytes(640, 1000, 'too much');
  const [first, second] = [link('first'), link('second')];
  many.set(first, 9);
  many.set(second, 9);
  for (let i = 0; i < 69; i++) many.set(link('other'), 9);
  many.set(first, 8);
  many.set(second, 9);
  expect(closed).toEqual([]);
  many.set(link('last'), 9);
  expect(closed).toEqual(['second: too much']);
});

it('lets one link hold more while the others hold little', () => {
  const large = new HeldBytes(640, 1000, 'too much');
  large.set(link('busy'), 9);
  large.set(link('whole frame'), 991);
  expect(closed).toEqual([]);
  large.set(link('second'), 100);
  expect(closed).toEqual(['whole frame: too much']);
});

it('closes no link that holds nothing any more', () => {
  const small = new HeldBytes(640, 640, 'too much');
  const gone = link('gone');
  small.set(gone, 9);
  small.set(gone, 0);
  for (let i = 0; i < 72; i++) small.set(link(`link ${i}`), 9);
  expect(closed).toEqual(['link 0: too much']);
});

it('tells how the total changes, and counts what a closed link held no more', () => {
  let total = 0;
  const counted = new HeldBytes(10, 20, 'too much', (bytes) => (total += bytes));
  const first = { close: () => counted.set(first, 0) };
  counted.set(first, 6);
  counted.set(link('second'), 3);
  expect(total).toBe(9);
  counted.set(link('third'), 5);
  expect(total).toBe(8);
});
