import { FillPace } from './fill-pace.js';

let calls: number;
let rests: number[];
let pace: FillPace;
beforeEach(() => {
  calls = 0;
  rests = [];
  pace = new FillPace(
    () => calls,
    (ms) => Promise.resolve(rests.push(ms)),
  );
});

/** Returns before which of so many chunks there was a rest. */
async function restsOf(chunks: number, before: (chunk: number) => void = () => undefined): Promise<number[]> {
  const rested: number[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    before(chunk);
    const known = rests.length;
    await pace.turn();
    if (rests.length > known) rested.push(chunk);
  }
  return rested;
}

it('a fill of a node without calls never rests', async () => {
  expect(await restsOf(20)).toEqual([]);
});

it('a call slows the next chunks', async () => {
  expect(await restsOf(10, (chunk) => (calls += chunk === 2 ? 1 : 0))).toEqual([2, 3, 4, 5]);
});

it('a rest is some milliseconds, and has a limit on a machine that stands still', async () => {
  await restsOf(10, () => calls++);
  expect(rests).toHaveLength(10);
  for (const ms of rests) {
    expect(ms).toBeGreaterThanOrEqual(8);
    expect(ms).toBeLessThanOrEqual(200);
  }
});

it('fills take turns', async () => {
  const order: string[] = [];
  await Promise.all(['a', 'b', 'c'].map((name) => pace.turn().then(() => order.push(name))));
  expect(order).toEqual(['a', 'b', 'c']);
});
