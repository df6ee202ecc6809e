import { TransferBudget } from './transfer-budget.js';

const KIB = 1024;

/** Reads chunks of some size without end, whenever the budget allows it. */
class Reader {
  bytes = 0;

  constructor(
    readonly budget: TransferBudget,
    readonly chunkBytes: number,
  ) {
    budget.request(this.read);
  }

  readonly read = (): void => {
    this.bytes += this.chunkBytes;
    this.budget.spent(this.chunkBytes);
    this.budget.request(this.read);
  };
}

/** Lets time pass in steps of 100 ms. Returns the time at the end. */
function pass(budget: TransferBudget, fromMs: number, ms: number): number {
  for (let nowMs = fromMs + 100; nowMs <= fromMs + ms; nowMs += 100) budget.refill(nowMs);
  return fromMs + ms;
}

it.each([
  ['small', 10 * KIB],
  ['usual', 128 * KIB],
  ['large', 4096 * KIB],
])('%s chunks go at the rate of the node', (_, chunkBytes) => {
  const budget = new TransferBudget(0);
  budget.limit(1e6);
  const reader = new Reader(budget, chunkBytes);
  pass(budget, 0, 100_000);
  expect(Math.abs(reader.bytes - 100e6)).toBeLessThanOrEqual(chunkBytes);
});

it('all fills of a node share the rate evenly', () => {
  const budget = new TransferBudget(0);
  budget.limit(10e6);
  const readers = Array.from({ length: 5 }, () => new Reader(budget, 128 * KIB));
  pass(budget, 0, 10_000);
  for (const { bytes } of readers) expect(Math.abs(bytes - 20e6)).toBeLessThanOrEqual(128 * KIB);
});

it('a node that was idle sends the bytes of half a second at once, and no more', () => {
  const budget = new TransferBudget(0);
  budget.limit(10e6);
  const nowMs = pass(budget, 0, 60_000);
  const reader = new Reader(budget, 10 * KIB);
  expect(Math.abs(reader.bytes - 5e6)).toBeLessThanOrEqual(10 * KIB);
  pass(budget, nowMs, 1000);
  expect(Math.abs(reader.bytes - 15e6)).toBeLessThanOrEqual(10 * KIB);
});

it('chunks that are being read count with an expected size', () => {
  const budget = new TransferBudget(0);
  budget.limit(250_000);
  budget.refill(100);
  const read: number[] = [];
  for (const i of [1, 2, 3]) budget.request(() => read.push(i));
  expect(read).toEqual([1]);
  budget.spent(0);
  budget.refill(110);
  expect(read).toEqual([1, 2]);
});

it('a reader that gives up does not read, and without a limit all read at once', () => {
  const budget = new TransferBudget(0);
  budget.limit(1e6);
  const read: string[] = [];
  const [first, second] = ['first', 'second'].map((name) => () => void read.push(name));
  if (first === undefined || second === undefined) throw new TypeError('there are two');
  budget.request(first);
  budget.request(second);
  budget.cancel(first);
  expect(read).toEqual([]);
  budget.limit(undefined);
  expect(read).toEqual(['second']);
  budget.request(first);
  expect(read).toEqual(['second', 'first']);
});
