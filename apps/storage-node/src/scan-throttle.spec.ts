import { BYTES_PER_PAUSE, ScanThrottle } from './scan-throttle.js';

/** Yields so many chunks. */
async function* chunksOf(bytes: number, count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(bytes);
}

/** Returns the chunks before which a scan paused. */
async function pausesOf(
  count: number,
  bytes: number,
  before: (scans: ScanThrottle, chunk: number) => void,
): Promise<number[]> {
  let paused = false;
  const scans = new ScanThrottle(() => {
    paused = true;
    return Promise.resolve();
  });
  const pauses: number[] = [];
  let at = 0;
  for await (const chunk of scans.throttled(chunksOf(bytes, count))) {
    expect(chunk).toHaveLength(bytes);
    if (paused) pauses.push(at);
    paused = false;
    before(scans, at++);
  }
  return pauses;
}

it('a scan pauses after work while there are operations, and a few times after them', async () => {
  const pauses = await pausesOf(10, BYTES_PER_PAUSE, (scans, chunk) => {
    if (chunk === 1 || chunk === 3) scans.noteOperation();
  });
  expect(pauses).toEqual([2, 3, 4, 5, 6, 7]);
});

it('small chunks count together, so that a scan with many of them has no more pauses than another', async () => {
  const pauses = await pausesOf(1000, BYTES_PER_PAUSE / 256, (scans) => scans.noteOperation());
  expect(pauses).toEqual([256, 512, 768]);
});

it('without operations a scan never pauses', async () => {
  expect(await pausesOf(6, BYTES_PER_PAUSE, () => undefined)).toEqual([]);
});

it('an operation before a scan begins does not slow it', async () => {
  let pauses = 0;
  const scans = new ScanThrottle(() => {
    pauses++;
    return Promise.resolve();
  });
  scans.noteOperation();
  let chunks = 0;
  for await (const chunk of scans.throttled(chunksOf(BYTES_PER_PAUSE, 6))) chunks += chunk.length > 0 ? 1 : 0;
  expect([chunks, pauses]).toEqual([6, 0]);
});

it('a scan waits for real time unless it is told otherwise', async () => {
  const scans = new ScanThrottle();
  let turns = 0;
  let bytes = 0;
  for await (const { length } of scans.throttled(chunksOf(BYTES_PER_PAUSE, 2))) {
    scans.noteOperation();
    if (bytes === 0) setTimeout(() => turns++);
    bytes += length;
  }
  expect(turns).toBe(1);
});

it('a reader that has enough ends the scan that is throttled', async () => {
  let ended = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(1);
    } finally {
      ended = true;
    }
  }
  let chunks = 0;
  for await (const { length } of new ScanThrottle().throttled(endless())) {
    chunks += length;
    if (chunks === 3) break;
  }
  expect(ended).toBe(true);
});
