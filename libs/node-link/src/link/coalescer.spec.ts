import { ManualTime } from '@kvs/protocol/testing';
import { Coalescer, GATHERED_BYTES, GATHERED_CALLS } from './coalescer.js';

/** So large that it is not held for others. */
const LARGE = 'x'.repeat(GATHERED_BYTES);

interface Item {
  readonly name: string;
  readonly weight: number;
}

let time: ManualTime;
let turn: (() => void)[];
let sent: string[][];
/** Most that is taken at once. */
let room: number;
/** Whether something that was sent is unanswered. */
let isAnswered: boolean;
/** Called while something is sent. */
let meanwhile: () => void;
let coalescer: Coalescer<Item>;

beforeEach(() => {
  time = new ManualTime();
  turn = [];
  sent = [];
  room = Infinity;
  isAnswered = true;
  meanwhile = () => undefined;
  const options = { timers: time, schedule: (task: () => void) => void turn.push(task) };
  const send = (items: readonly Item[]): number => {
    const taken = items.slice(0, room);
    if (taken.length > 0) {
      sent.push(taken.map(({ name }) => name));
      isAnswered = false;
    }
    meanwhile();
    return taken.length;
  };
  coalescer = new Coalescer(options, send, () => isAnswered);
});

function add(...names: string[]): void {
  for (const name of names) coalescer.add({ name, weight: name.length });
}

function answer(): void {
  isAnswered = true;
  coalescer.answered();
}

function endTurn(): void {
  for (const task of turn.splice(0)) task();
}

it('sends what is added in one turn together, in its order, at the end of the turn', () => {
  add('a', 'b');
  expect(sent).toEqual([]);
  add('c');
  endTurn();
  expect(sent).toEqual([['a', 'b', 'c']]);
});

it('sends a lone one without waiting for time to pass', () => {
  add('a');
  endTurn();
  expect(sent).toEqual([['a']]);
  expect(time.waits).toEqual([]);
});

it('gathers while others are unanswered, and sends with what their answers bring about', () => {
  add('a');
  endTurn();
  add('b');
  endTurn();
  add('c');
  endTurn();
  expect(sent).toEqual([['a']]);
  answer();
  add('d');
  expect(sent).toEqual([['a']]);
  endTurn();
  expect(sent).toEqual([['a'], ['b', 'c', 'd']]);
});

it('gathers no longer than the bound, answered or not', () => {
  add('a');
  endTurn();
  add('b');
  time.advanceMs(1);
  add('c');
  expect(sent).toHaveLength(1);
  time.advanceMs(1);
  expect(sent).toEqual([['a'], ['b', 'c']]);
  add('d');
  time.advanceMs(2);
  expect(sent).toEqual([['a'], ['b', 'c'], ['d']]);
});

it.each([
  ['items', Array.from({ length: GATHERED_CALLS }, () => 'b')],
  ['bytes', [LARGE]],
])('sends so many %s at once, whatever is unanswered and before the turn ends', (_, names) => {
  add(...names);
  expect(sent).toEqual([names]);
  add(...names);
  expect(sent).toEqual([names, names]);
});

it.each([
  ['sent', () => ((room = 1), endTurn())],
  ['removed', () => coalescer.removeWhile(({ weight }) => weight > 1)],
  ['given back', () => coalescer.clear()],
])('counts no bytes that were %s', (_, take) => {
  const half = 'x'.repeat(GATHERED_BYTES / 2);
  add(half, 'a');
  take();
  const before = sent.length;
  add(half);
  expect(sent).toHaveLength(before);
});

it('keeps what is not taken, in its order, until there is room', () => {
  room = 2;
  add('a', 'b', 'c');
  endTurn();
  expect(sent).toEqual([['a', 'b']]);
  add('d', 'e');
  answer();
  endTurn();
  room = 0;
  coalescer.flush();
  expect([sent.length, coalescer.size, coalescer.first?.name]).toEqual([2, 1, 'e']);
  room = 2;
  coalescer.flush();
  expect(sent).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

it('sends what is added while something is sent after that, once, however much it is', () => {
  room = 1;
  meanwhile = () => {
    meanwhile = () => undefined;
    add('c', LARGE, 'd');
  };
  add('a', 'b');
  endTurn();
  expect(sent).toEqual([['a']]);
  expect(coalescer.size).toBe(4);
  room = Infinity;
  endTurn();
  expect(sent).toEqual([['a'], ['b', 'c', LARGE, 'd']]);
  expect(coalescer.size).toBe(0);
});

it('gives back what waits, and starts anew', () => {
  add('a');
  endTurn();
  add('b', 'c');
  expect(coalescer.clear().map(({ name }) => name)).toEqual(['b', 'c']);
  expect(time.waits).toEqual([]);
  isAnswered = true; // the others will never be
  add('d');
  endTurn();
  expect(sent).toEqual([['a'], ['d']]);
});

it('removes and returns items from the front, up to the first that does not match', () => {
  add('a', 'b', 'c');
  expect(coalescer.removeWhile(({ name }) => name < 'c').map(({ name }) => name)).toEqual(['a', 'b']);
  endTurn();
  expect(sent).toEqual([['c']]);
  expect(coalescer.removeWhile(() => true)).toEqual([]);
});
