import { compete, timesAsFast, type Contestant } from './contest.js';
import { freshLoop } from './fresh-loop.js';
import { randomKeys } from './random.js';
import { interquartileRange, median, medianRatio, spread } from './statistics.js';

/** A clock that only advances while a contestant works, so that results are exact. */
function clockwork() {
  let now = 0;
  const order: string[] = [];
  const contestant = (name: string, nanoseconds: number): Contestant => ({
    name,
    run: (operations) => {
      order.push(name);
      now += operations * nanoseconds;
      return operations;
    },
  });
  return { clock: () => now, contestant, order };
}

describe('a contest', () => {
  it('returns the time per operation and how many times as fast one contestant is as another', () => {
    const { clock, contestant } = clockwork();
    const options = { clock, rounds: 5, turnMs: 1, warmUpMs: 3 };
    const [slow, fast] = compete([contestant('slow', 900), contestant('fast', 300)], options);
    expect([slow?.median, fast?.median, slow?.spread]).toEqual([900, 300, 0]);
    expect(slow && fast && timesAsFast(fast, slow)).toBe(3);
  });

  it('gives each contestant turns of at least the given length', () => {
    const { clock, contestant } = clockwork();
    compete([contestant('one', 1000)], { clock, rounds: 1, turnMs: 1, warmUpMs: 0 });
    // The warm-up does 1 + 2 + … + 1,024 operations, and the turn 1,024.
    expect(clock()).toBe((2047 + 1024) * 1000);
  });

  it('warms up all contestants before the first round, and starts each round with another one', () => {
    const { clock, contestant, order } = clockwork();
    const three = ['a', 'b', 'c'].map((name) => contestant(name, 1e6));
    compete(three, { clock, rounds: 3, turnMs: 1, warmUpMs: 1 });
    expect(order.join('')).toBe('abc' + 'abc' + 'bca' + 'cab');
  });

  it('refuses a contestant that skips work', () => {
    const idle: Contestant = { name: 'idle', run: (operations) => operations - 1 };
    const { clock } = clockwork();
    expect(() => compete([idle], { clock, rounds: 1, turnMs: 1, warmUpMs: 0 })).toThrow('idle did less');
  });
});

it('computes medians, between the two middle values of an even number', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(interquartileRange([1, 2, 3, 4, 5])).toEqual([2, 4]);
  expect(spread([1, 2, 3, 4, 5])).toBe(2 / 3);
  // A round that is slow for both does not change the median ratio.
  expect(medianRatio([2, 20, 4], [1, 10, 1])).toBe(2);
});

it('makes the same keys for the same seed, one byte per character', () => {
  const keys = randomKeys(100, 16, 7);
  expect(keys).toEqual(randomKeys(100, 16, 7));
  expect(keys).not.toEqual(randomKeys(100, 16, 8));
  expect(new Set(keys).size).toBe(100);
  for (const key of keys) expect(key).toMatch(/^[\w-]{16}$/);
});

it('looks up the given number of keys, starts over at the end, and counts the keys found', () => {
  const asked: string[] = [];
  const loop = freshLoop('test');
  const found = loop(
    (key) => {
      asked.push(key);
      return key === 'b' ? undefined : key;
    },
    ['a', 'b', 'c', 'd'],
    3,
    6,
  );
  expect(asked.join('')).toBe('dabcda');
  expect(found).toBe(5);
});
