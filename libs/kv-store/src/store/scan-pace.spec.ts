import { ScanPace } from './scan-pace.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Whether the timers of this turn have been called before the next piece came. */
async function restsBetween(pace: ScanPace, count: number, before: (piece: number) => void) {
  const rests: boolean[] = [];
  let timerRan = false;
  for await (const piece of pace.paced(numbers(count), () => 1)) {
    if (piece > 0) rests.push(timerRan);
    before(piece);
    timerRan = false;
    setTimeout(() => (timerRan = true));
  }
  return rests;
}

it('a scan rests after work while there are operations, and a few times after them', async () => {
  const pace = new ScanPace();
  const rests = await restsBetween(pace, 10, (piece) => {
    if (piece === 1 || piece === 3) pace.noteOperation();
  });
  expect(rests).toEqual([false, true, true, true, true, true, true, false, false]);
});

it('small pieces count together, so that a scan with many of them has no more rests than another', async () => {
  const pace = new ScanPace();
  let timers = 0;
  const clock = setInterval(() => timers++, 1);
  for await (const piece of pace.paced(numbers(1000), () => 1 / 400)) if (piece >= 0) pace.noteOperation();
  clearInterval(clock);
  // Two rests of a millisecond, during which timers run; not a thousand.
  expect(timers).toBeGreaterThan(0);
  expect(timers).toBeLessThan(500);
});

it('without operations, or after earlier ones, it gives its pieces as they come', async () => {
  const pace = new ScanPace();
  pace.noteOperation();
  expect(await restsBetween(pace, 6, () => undefined)).toEqual([false, false, false, false, false]);
});

it('a reader that has enough ends the scan that is paced', async () => {
  let ended = false;
  async function* pieces(): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      ended = true;
    }
  }
  for await (const piece of new ScanPace().paced(pieces(), () => 1)) if (piece === 3) break;
  expect(ended).toBe(true);
});
