import { ScanRests } from './scan-rests.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Whether the timers of this turn have been called before the next piece came. */
async function restsBetween(scanRests: ScanRests, count: number, before: (piece: number) => void) {
  const rests: boolean[] = [];
  let timerRan = false;
  for await (const piece of scanRests.paced(numbers(count), () => 1)) {
    if (piece > 0) rests.push(timerRan);
    before(piece);
    timerRan = false;
    setTimeout(() => (timerRan = true));
  }
  return rests;
}

it('a scan rests after work while there are operations, and a few times after them', async () => {
  const scanRests = new ScanRests();
  const rests = await restsBetween(scanRests, 10, (piece) => {
    if (piece === 1 || piece === 3) scanRests.noteOperation();
  });
  expect(rests).toEqual([false, true, true, true, true, true, true, false, false]);
});

it('small pieces count together, so that a scan with many of them has no more rests than another', async () => {
  const scanRests = new ScanRests();
  let timers = 0;
  const clock = setInterval(() => timers++, 1);
  for await (const piece of scanRests.paced(numbers(1000), () => 1 / 400))
    if (piece >= 0) scanRests.noteOperation();
  clearInterval(clock);
  // Two rests of some milliseconds, during which timers run; not a thousand.
  expect(timers).toBeGreaterThan(0);
  expect(timers).toBeLessThan(500);
});

it('without operations, or after earlier ones, it gives its pieces as they come', async () => {
  const scanRests = new ScanRests();
  scanRests.noteOperation();
  expect(await restsBetween(scanRests, 6, () => undefined)).toEqual([false, false, false, false, false]);
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
  for await (const piece of new ScanRests().paced(pieces(), () => 1)) if (piece === 3) break;
  expect(ended).toBe(true);
});
