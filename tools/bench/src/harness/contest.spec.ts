import { compete, timesAsFast, type Contestant } from './contest.js';
import { freshLoop } from './fresh-loop.js';
import { randomKeys } from './random.js';
import { median, medianRatio, middleHalf, spread } from './statistics.js';

/** A clock that only work moves on: results are exact. */
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
  it('tells what an operation takes, and how many times as fast one is as another', async () => {
    const { clock, contestant } = clockwork();
    const options = { clock, rounds: 5, turnMs: 1, warmUpMs: 3 };
    const [slow, fast] = await compete([contestant('slow', 900), contestant('fast', 300)], options);
    expect([slow?.median, fast?.median, slow?.spread]).toEqual([900, 300, 0]);
    expect(slow && fast && timesAsFast(fast, slow)).toBe(3);
  });

  it('gives each turns of at least the length asked for, and keeps the sum of what it returned', async () => {
    const { clock, contestant } = clockwork();
    const [result] = await compete([contestant('one', 1000)], { clock, rounds: 2, turnMs: 1, warmUpMs: 0 });
    expect(result?.operations).toBe(1024);
    // 1 + 2 + … + 1,024 to find that out, and two rounds.
    expect(result?.checksum).toBe(2047 + 2 * 1024);
  });

  it('has all warmed up before the first round, and starts each round with another', async () => {
    const { clock, contestant, order } = clockwork();
    const three = ['a', 'b', 'c'].map((name) => contestant(name, 1e6));
    await compete(three, { clock, rounds: 3, turnMs: 1, warmUpMs: 1 });
    expect(order.join('')).toBe('abc' + 'abc' + 'bca' + 'cab');
  });

  it('waits for one that takes its time', async () => {
    const { clock, contestant } = clockwork();
    const { name, run } = contestant('later', 10);
    const later: Contestant = { name, run: async (operations) => run(operations) };
    const [result] = await compete([later], { clock, rounds: 1, turnMs: 1, warmUpMs: 0 });
    expect(result?.median).toBe(10);
  });

  it('has one made ready before each turn, unmeasured, and asks it for no more than it can do', async () => {
    const { clock, contestant } = clockwork();
    const { run: makeReady } = contestant('made ready', 1e9);
    let left = 0;
    const { name, run } = contestant('limited', 1000);
    const limited: Contestant = {
      name,
      mostOperations: 100,
      prepare: async () => {
        left = await makeReady(100);
      },
      run: (operations) => {
        left -= operations;
        expect(left).toBeGreaterThanOrEqual(0);
        return run(operations);
      },
    };
    const [result] = await compete([limited], { clock, rounds: 3, turnMs: 1, warmUpMs: 0 });
    expect([result?.operations, result?.median]).toEqual([100, 1000]);
  });

  it('reads meters around each turn, outside of its time', async () => {
    const { clock, contestant } = clockwork();
    const { run: pass } = contestant('reading', 1e6);
    let energy = 0;
    const { name, run } = contestant('worker', 1000);
    const worker: Contestant = {
      name,
      run: (operations) => {
        energy += operations;
        return run(operations);
      },
    };
    const meters = [
      {
        name: 'energy',
        read: () => {
          void pass(1);
          return 3 * energy;
        },
      },
    ];
    const [result] = await compete([worker], { clock, rounds: 2, turnMs: 1, warmUpMs: 0, meters });
    expect(result?.metered).toEqual({ energy: [3, 3] });
    expect(result?.median).toBe(1000);
  });
});

it('takes medians of what is there, between two where the number is even', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(middleHalf([1, 2, 3, 4, 5])).toEqual([2, 4]);
  expect(spread([1, 2, 3, 4, 5])).toBe(2 / 3);
  // Round by round: a slow round of both counts for nothing.
  expect(medianRatio([2, 20, 4], [1, 10, 1])).toBe(2);
});

it('makes keys that are the same for a seed, of one byte per character', () => {
  const keys = randomKeys(100, 16, 7);
  expect(keys).toEqual(randomKeys(100, 16, 7));
  expect(keys).not.toEqual(randomKeys(100, 16, 8));
  expect(new Set(keys).size).toBe(100);
  for (const key of keys) expect(key).toMatch(/^[\w-]{16}$/);
});

it('looks up as many keys as asked, around and around, and counts those found', () => {
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
