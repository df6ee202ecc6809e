import { ScanRests } from './scan-rests.js';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Before which pieces a scan waited. */
async function pausesOf(
  count: number,
  workOf: number,
  before: (scans: ScanRests, piece: number) => void,
): Promise<number[]> {
  let paused = false;
  const scans = new ScanRests(() => {
    paused = true;
    return Promise.resolve();
  });
  const pauses: number[] = [];
  for await (const piece of scans.paced(numbers(count), () => workOf)) {
    if (paused) pauses.push(piece);
    paused = false;
    before(scans, piece);
  }
  return pauses;
}

it('a scan pauses after work while there are operations, and a few times after them', async () => {
  const pauses = await pausesOf(10, 1, (scans, piece) => {
    if (piece === 1 || piece === 3) scans.noteOperation();
  });
  expect(pauses).toEqual([2, 3, 4, 5, 6, 7]);
});

it('small pieces count together, so that a scan with many of them has no more pauses than another', async () => {
  expect(await pausesOf(1000, 1 / 256, (scans) => scans.noteOperation())).toEqual([256, 512, 768]);
});

it('without operations a scan never pauses', async () => {
  expect(await pausesOf(6, 1, () => undefined)).toEqual([]);
});

it('an operation before a scan begins does not slow it', async () => {
  let pauses = 0;
  const scans = new ScanRests(() => {
    pauses++;
    return Promise.resolve();
  });
  scans.noteOperation();
  const pieces: number[] = [];
  for await (const piece of scans.paced(numbers(6), () => 1)) pieces.push(piece);
  expect([pieces.length, pauses]).toEqual([6, 0]);
});

it('a scan waits for real time unless it is told otherwise', async () => {
  const scans = new ScanRests();
  let turns = 0;
  for await (const piece of scans.paced(numbers(2), () => 1)) {
    scans.noteOperation();
    if (piece === 0) setTimeout(() => turns++);
  }
  expect(turns).toBe(1);
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
