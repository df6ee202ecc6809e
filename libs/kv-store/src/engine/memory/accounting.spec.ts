import { execFileSync } from 'node:child_process';

/** Key and value lengths, in bytes, and how the value is encoded. */
const SHAPES = [
  { shape: 'counters', keyLength: 12, value: '"1".repeat(4)', encoding: 'string', count: 700_000 },
  { shape: 'records', keyLength: 16, value: '"x".repeat(100)', encoding: 'string', count: 500_000 },
  { shape: 'bytes', keyLength: 16, value: '"fe".repeat(300)', encoding: 'binary', count: 700_000 },
  {
    shape: 'words of the world',
    keyLength: 16,
    value: '"\u0939".repeat(100)',
    encoding: 'string',
    count: 900_000,
  },
  { shape: 'pages', keyLength: 16, value: '"x".repeat(20000)', encoding: 'string', count: 25_000 },
];

/**
 * Runs in a process of its own. Writes go to a small engine first, so that the code is compiled and the young
 * generation grown before anything is measured.
 */
function script({ keyLength, value, encoding, count }: (typeof SHAPES)[number]): string {
  const engine = JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href);
  return `
    const { MemoryEngine } = await import(${engine});
    const clock = { nowMicros: () => 1 };
    const value = { encoding: ${JSON.stringify(encoding)}, data: ${value} };
    function fill(engine) {
      for (let i = 0; i < ${count}; i += 50) {
        engine.setMany(Array.from({ length: 50 }, (_, j) => ({
          id: 's' + String(i + j).padStart(${keyLength}, '0'), partition: (i + j) % 4096, value,
        })));
      }
    }
    fill(new MemoryEngine({ clock, maxMemoryBytes: 4 * 1024 * 1024, eviction: 'lru' }));
    gc();
    const before = process.memoryUsage.rss();
    const engine = new MemoryEngine({ clock, maxMemoryBytes: 1024 ** 3 });
    fill(engine);
    gc();
    const grown = process.memoryUsage.rss() - before;
    console.log(JSON.stringify({ grown, ...engine.stats() }));
  `;
}

describe('the account that the memory engine keeps', () => {
  it.each(SHAPES)('is within 15 % of what the process grows by: $shape', (shape) => {
    const output = execFileSync(
      process.execPath,
      ['--expose-gc', '--input-type=module', '-e', script(shape)],
      {
        encoding: 'utf8',
      },
    );
    const { grown, usedBytes, pairCount }: Record<string, number> = JSON.parse(output);
    expect(pairCount).toBe(shape.count);
    const ratio = (grown ?? 0) / (usedBytes ?? 0);
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });
});
