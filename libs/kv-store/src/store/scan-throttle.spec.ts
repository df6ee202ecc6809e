import { ScanThrottle } from './scan-throttle.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Returns the chunks before which a scan paused. */
async function pausesOf(
  count: number,
  workOf: number,
  before: (scans: ScanThrottle, chunk: number) => void,
): Promise<number[]> {
  let paused = false;
  const scans = new ScanThrottle(() => {
    paused = true;
    return Promise.resolve();
  });
  const pauses: number[] = [];
  for await (const chunk of scans.throttled(numbers(count), () => workOf)) {
    if (paused) pauses.push(chunk);
    paused = false;
    before(scans, chunk);
  }
  return pauses;
}

it('a scan pauses after work while there are operations, and a few times after them', async () => {
  const pauses = await pausesOf(10, 1, (scans, chunk) => {
    if (chunk === 1 || chunk === 3) scans.noteOperation();
  });
  expect(pauses).toEqual([2, 3, 4, 5, 6, 7]);
});

it('small chunks count together, so that a scan with many of them has no more pauses than another', async () => {
  expect(await pausesOf(1000, 1 / 256, (scans) => scans.noteOperation())).toEqual([256, 512, 768]);
});

it('without operations a scan never pauses', async () => {
  expect(await pausesOf(6, 1, () => undefined)).toEqual([]);
});

it('an operation before a scan begins does not slow it', async () => {
  let pauses = 0;
  const scans = new ScanThrottle(() => {
    pauses++;
    return Promise.resolve();
  });
  scans.noteOperation();
  const chunks: number[] = [];
  for await (const chunk of scans.throttled(numbers(6), () => 1)) chunks.push(chunk);
  expect([chunks.length, pauses]).toEqual([6, 0]);
});

it('a scan waits for real time unless it is told otherwise', async () => {
  const scans = new ScanThrottle();
  let turns = 0;
  for await (const chunk of scans.throttled(numbers(2), () => 1)) {
    scans.noteOperation();
    if (chunk === 0) setTimeout(() => turns++);
  }
  expect(turns).toBe(1);
});

it('a reader that has enough ends the scan that is throttled', async () => {
  let ended = false;
  async function* chunks(): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      ended = true;
    }
  }
  for await (const chunk of new ScanThrottle().throttled(chunks(), () => 1)) if (chunk === 3) break;
  expect(ended).toBe(true);
});
