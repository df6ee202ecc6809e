import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Values of `valueBytes` bytes, each `unit` repeated. */
const SHAPES = [
  { values: '8 bytes of text', valueBytes: 8, unit: 'x', encoding: 'string', count: 1_000_000 },
  { values: '100 bytes of text', valueBytes: 100, unit: 'x', encoding: 'string', count: 450_000 },
  { values: '1,000 bytes of text', valueBytes: 1000, unit: 'x', encoding: 'string', count: 80_000 },
  { values: '8 bytes, binary', valueBytes: 8, unit: 'fe', encoding: 'binary', count: 1_000_000 },
  { values: '100 bytes, binary', valueBytes: 100, unit: 'fe', encoding: 'binary', count: 450_000 },
  { values: '1,000 bytes, binary', valueBytes: 1000, unit: 'fe', encoding: 'binary', count: 80_000 },
  {
    values: '300 bytes in other letters',
    valueBytes: 300,
    unit: '\u0939',
    encoding: 'string',
    count: 200_000,
  },
  { values: '20,000 bytes of text', valueBytes: 20_000, unit: 'x', encoding: 'string', count: 5000 },
  { values: '20,000 bytes, binary', valueBytes: 20_000, unit: 'fe', encoding: 'binary', count: 5000 },
  { values: '300,000 bytes of text', valueBytes: 300_000, unit: 'x', encoding: 'string', count: 400 },
  {
    values: '300,000 bytes in other letters',
    valueBytes: 300_000,
    unit: '\u0939',
    encoding: 'string',
    count: 400,
  },
];

/** Much more than the changes of V8's own heap, so that they don't matter. */
const LEAST_BYTES = 60_000_000;

interface Answer {
  readonly grown: number;
  readonly usedBytes: number;
  readonly pairCount: number;
}

/**
 * Runs in a process of its own. All writes go to a small engine first, so that the code is compiled and the young generation
 * grown before anything is measured: the compilers of Node 24 and later keep some 30 MB.
 */
function script({ valueBytes, unit, encoding, count }: (typeof SHAPES)[number]): string {
  const engine = JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href);
  const unitBytes = encoding === 'binary' ? 1 : Buffer.byteLength(unit);
  return `
    const { MemoryEngine } = await import(${engine});
    const { setTimeout } = await import('node:timers/promises');
    const clock = { nowMicros: () => 1 };
    // Whole from the start, not put together when first used.
    const valueOf = (bytes) => ({
      encoding: '${encoding}',
      data: Buffer.from('${unit}'.repeat(Math.max(1, Math.round(bytes / ${unitBytes})))).toString(),
    });
    const lengths = Array.from({ length: 40 }, (_, i) => 0.3 + 1.9 * ((i * 0.618) % 1));
    const values = [1, ...lengths].map((times) => valueOf(times * ${valueBytes}));
    const keyOf = (i) => ({ id: 's' + String(i).padStart(16, '0'), partition: i % 4096 });
    function each(from, step, work) {
      for (let i = from; i < ${count}; i += 50 * step) {
        const numbers = [];
        for (let j = i; j < ${count} && numbers.length < 50; j += step) numbers.push(j);
        work(numbers);
      }
    }
    function fill(engine, from, step, value) {
      each(from, step, (numbers) => engine.setMany(numbers.map((i) => ({ ...keyOf(i), value: value(i) }))));
    }
    // Some are longer than before, some shorter, some are gone, and others come for them.
    function churn(engine) {
      fill(engine, 0, 2, (i) => values[(i / 2) % values.length]);
      each(1, 4, (numbers) => engine.deleteMany(numbers.map(keyOf)));
      fill(engine, 0, 4, (i) => values[(i / 4) % 7]);
      each(2, 4, (numbers) => engine.deleteMany(numbers.map(keyOf)));
      fill(engine, 1, 2, () => values[0]);
      fill(engine, 2, 4, (i) => values[((i + 2) / 4) % values.length]);
    }
    async function resident() {
      let least = Infinity;
      for (let look = 0; look < 5; look++) {
        gc();
        await setTimeout(10);
        const now = process.memoryUsage.rss();
        if (now < 0.99 * least) look = 0;
        least = Math.min(least, now);
      }
      return least;
    }
    const small = new MemoryEngine({ clock, maxMemoryBytes: 4 * 1024 * 1024, eviction: 'lru' });
    fill(small, 0, 1, () => values[0]);
    churn(small);
    small.close();
    const before = await resident();
    const engine = new MemoryEngine({ clock, maxMemoryBytes: 1024 ** 3 });
    const measured = async () => ({ grown: await resident() - before, ...engine.stats() });
    fill(engine, 0, 1, () => values[0]);
    const filled = await measured();
    churn(engine);
    console.log(JSON.stringify({ filled, churned: await measured() }));
  `;
}

async function measured(shape: (typeof SHAPES)[number]): Promise<Record<'filled' | 'churned', Answer>> {
  const args = ['--expose-gc', '--max-semi-space-size=1', '--input-type=module', '-e', script(shape)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Record<'filled' | 'churned', Answer>;
}

describe('the bytes that the memory engine counts are within 15 % of the growth of the process', () => {
  it.each(SHAPES)('with values of $values, filled and then churned', async (shape) => {
    const { filled, churned } = await measured(shape);
    for (const { grown, usedBytes, pairCount } of [filled, churned]) {
      expect(pairCount).toBe(shape.count);
      expect(usedBytes).toBeGreaterThan(LEAST_BYTES);
      expect(grown / usedBytes).toBeGreaterThan(0.85);
      expect(grown / usedBytes).toBeLessThan(1.15);
    }
  });
});
