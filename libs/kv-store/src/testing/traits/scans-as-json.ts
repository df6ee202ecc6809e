import { strict as assert } from 'node:assert';
import {
  binaryKey,
  binaryValue,
  DEFAULT_LIMITS,
  KvsError,
  stringKey,
  stringValue,
  type Key,
  type PairFormat,
  type Value,
} from '@kvs/protocol';
import { SCAN_CHUNK_PAIRS } from '../../engine/storage-engine.js';
import { KvStore, type StoreScanRequest } from '../../store/kv-store.js';
import { numbered, PARTITION, removal, spread, write } from '../pairs.js';
import { seededRandom } from '../seeded-random.js';
import type { EngineTestBench, Trait } from '../trait.js';

/** Enough for several chunks. */
const KEYS = numbered(2 * SCAN_CHUNK_PAIRS + 500);

/** Reads through the store, which makes the text itself if the engine does not. */
export const scansAsJson: Trait = {
  title: 'scans as JSON',
  tests: {
    'every character and byte is written as JSON.stringify writes it': async (bench) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      await fill(bench, [
        [stringKey('all of ASCII'), stringValue(String.fromCharCode(...bytes.subarray(0, 128)))],
        [stringKey('"\\\n'), stringValue('\u2028\u2029 \u007f\u0080\u00ff \ufeff\uffff \u{1f600}')],
        [stringKey('empty'), stringValue('')],
        [binaryKey(bytes), binaryValue(bytes)],
        [binaryKey(Uint8Array.of(0)), binaryValue(new Uint8Array())],
      ]);
      await isTheSame(bench);
    },
    'random pairs of every length are written as JSON.stringify writes them': async (bench) => {
      const random = seededRandom(20);
      const pairs = Array.from({ length: 600 }, (_, i): [Key, Value] => {
        const text = randomText(random.below(40), random.below);
        const bytes = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
        return [
          i % 3 === 0 ? binaryKey(Uint8Array.of(i >>> 8, i, ...bytes)) : stringKey(`${i}${text}`),
          i % 2 === 0 ? binaryValue(bytes) : stringValue(text),
        ];
      });
      await fill(bench, pairs);
      await isTheSame(bench);
    },
    'prefixes select the same pairs': async (bench) => {
      await fill(bench, [
        ...['user', 'user:1', 'user:10', 'User', '日', '日本'].map((key) => [stringKey(key), V] as const),
        ...[[0xab], [0xab, 0xcd], [0xba]].map((key) => [binaryKey(Uint8Array.from(key)), V] as const),
      ]);
      for (const prefix of ['user', 'user:1', '日', 'none', '', 'user:1000000'].map(stringValue))
        await isTheSame(bench, { prefix });
      for (const bytes of [[], [0xab], [0xba, 0], [0xcc]])
        await isTheSame(bench, { prefix: binaryValue(Uint8Array.from(bytes)) });
    },
    'expired pairs do not come, and others have their time to live': async (bench) => {
      const expiresAtMs = bench.clock.nowMs() + 1000;
      await bench.engine.setMany(
        KEYS.slice(0, 50).map((key, i) => write(key, 'v', { expiresAtMs: expiresAtMs + (i % 2) * 500 })),
      );
      await isTheSame(bench);
      bench.clock.advanceMs(1000);
      await isTheSame(bench);
      assert.equal((await jsonPairs(bench, {}, 'lines')).length, 25);
    },
    'only the partitions that were asked for come': async (bench) => {
      for (const partition of [0, 7, 4095])
        await bench.engine.setMany([write(`${partition}`, 'v', { partition })]);
      await isTheSame(bench, { partitions: [0, 1, 4095] });
      assert.equal((await jsonPairs(bench, { partitions: [0, 1, 4095] }, 'items')).length, 2);
    },
    'an empty engine writes nothing': async (bench) => {
      assert.deepEqual(await chunksOf(bench, {}, 'items'), []);
      await bench.engine.setMany([write('key')]);
      await bench.engine.deleteMany([removal('key')]);
      assert.deepEqual(await chunksOf(bench, {}, 'lines'), []);
    },
    'large pairs are complete, among small ones': async (bench) => {
      const sizes = [2600, 2700, 16_000, 70_000, 1_000_001];
      for (const [i, size] of sizes.entries()) {
        await fill(bench, [
          [stringKey(`text ${size}`), stringValue('a"\u0001é\n'.repeat(size / 6))],
          [binaryKey(Uint8Array.of(i)), binaryValue(new Uint8Array(size).fill(0xa5 + i))],
          [stringKey(`small ${size}`), V],
          [stringKey(`long key ${size} `.repeat(300)), stringValue('v'.repeat(size))],
        ]);
      }
      await isTheSame(bench);
    },
    'small pairs share a chunk, and large ones do not': async (bench) => {
      const large = numbered(3, 'large').map((key) => write(key, 'v'.repeat(100_000)));
      await bench.engine.setMany([...KEYS.map((key) => write(key)), ...large]);
      const lengths = (await chunksOf(bench, {}, 'lines')).map(({ length }) => length);
      assert.ok(lengths.length < KEYS.length / 10, `there are ${lengths.length} chunks`);
      assert.ok(Math.max(...lengths) < 200_000, `a chunk has ${Math.max(...lengths)} bytes`);
    },
    'a text of maximum length is complete, however it is escaped': async (bench) => {
      const value = stringValue('\u0001'.repeat(DEFAULT_LIMITS.maxValueBytes));
      await fill(bench, [[stringKey('key'), value]]);
      const json = Buffer.concat(await chunksOf(bench, {}, 'items')).toString();
      assert.ok(
        json === `,${JSON.stringify({ key: stringKey('key'), value })}\n`,
        'the value came back changed',
      );
    },
    'a pair that stays comes exactly once, whatever is written meanwhile': async (bench) => {
      const { engine } = bench;
      const stable = KEYS.filter((_, i) => i % 2 === 0);
      await engine.setMany(KEYS.map((key) => write(key, 'v'.repeat(100))));
      let round = 0;
      const seen = keysOf(
        await jsonPairs(bench, {}, 'lines', async () => {
          round += 1;
          await engine.setMany(stable.map((key) => write(key, 'w'.repeat(100 + round))));
          const passing = KEYS.filter((_, i) => i % 2 === 1);
          if (round % 2 === 1) await engine.deleteMany(passing.map((key) => removal(key)));
          else await engine.setMany(passing.map((key) => write(key, 'anew')));
          await engine.setMany(numbered(200, `new-${round}`).map((key) => write(key)));
          assert.ok(round < 100, 'the scan runs after what is written');
        }),
      );
      assert.ok(round > 1, 'nothing was changed between two chunks');
      assert.equal(new Set(seen).size, seen.length, 'a key came twice');
      const found = new Set(seen);
      assert.deepEqual(
        stable.filter((key) => !found.has(key)),
        [],
      );
    },
    'large pairs that are overwritten during the scan come as they were at one moment': async (bench) => {
      const { engine } = bench;
      const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
      const writeAll = (text: string | undefined) =>
        engine.setMany(KEYS.slice(0, 4).map((key) => write(key, text)));
      await writeAll(texts[0]);
      let round = 0;
      const pairs = await jsonPairs(bench, {}, 'items', () => writeAll(texts[++round % texts.length]));
      assert.deepEqual(keysOf(pairs), KEYS.slice(0, 4));
      assert.ok(pairs.every(({ value }) => texts.includes(value.data)));
    },
    'other work runs meanwhile, also if nothing matches': async (bench) => {
      await bench.engine.setMany(KEYS.map((key) => write(key)));
      let hadItsTurn = false;
      const turn = setImmediate(() => (hadItsTurn = true));
      await chunksOf(bench, { prefix: stringValue('none') }, 'lines');
      clearImmediate(turn);
      assert.equal(hadItsTurn, true);
    },
    'one that finds nothing for long has empty chunks': async ({ engine, clock }) => {
      const partitions = await spread(engine);
      const prefix = stringValue('none');
      const lengths = new Set<number>();
      for await (const chunk of new KvStore(engine, clock).scanJson({ meta: false, partitions, prefix }))
        lengths.add(chunk.length);
      assert.deepEqual([...lengths], [0]);
    },
    'one that is open when the engine closes fails rather than ends': async (bench) => {
      const { engine, clock } = bench;
      await engine.setMany(KEYS.map((key) => write(key, 'v'.repeat(1000))));
      const scan = new KvStore(engine, clock).scanJson({ meta: false })[Symbol.asyncIterator]();
      assert.equal((await scan.next()).done, false);
      await engine.close();
      const end = async (): Promise<void> => {
        while ((await scan.next()).done !== true);
      };
      await assert.rejects(
        end(),
        (error) => error instanceof KvsError && error.code === 'engine_unavailable',
      );
    },
  },
};

const V = stringValue('v');

type Scanned = Pick<StoreScanRequest, 'prefix' | 'partitions'>;

async function fill({ engine }: EngineTestBench, pairs: readonly (readonly [Key, Value])[]): Promise<void> {
  await engine.setMany(pairs.map(([key, value]) => write(key, value)));
}

/** Checks that the text is exactly that of the pairs of a scan. */
async function isTheSame(
  bench: EngineTestBench,
  scanned: Scanned = { partitions: [PARTITION] },
): Promise<void> {
  const store = new KvStore(bench.engine, bench.clock);
  const expected = { plain: [] as string[], meta: [] as string[], keys: [] as string[] };
  for await (const { pairs } of store.scan(scanned)) {
    for (const { key, value, version, ttlMs } of pairs) {
      expected.plain.push(JSON.stringify({ key, value }));
      expected.keys.push(JSON.stringify({ key }));
      expected.meta.push(
        JSON.stringify({ key, value, version, ...(ttlMs === undefined ? {} : { ttl_ms: ttlMs }) }),
      );
    }
  }
  for (const { pairs, ...parts } of [
    { pairs: expected.plain.sort() },
    { pairs: expected.meta.sort(), meta: true },
    { pairs: expected.keys.sort(), values: false },
  ]) {
    const lines = Buffer.concat(await chunksOf(bench, { ...scanned, ...parts }, 'lines')).toString();
    assert.ok(lines === '' || lines.endsWith('\n'));
    isEqual(lines.split('\n').slice(0, -1).sort(), pairs);
    const items = Buffer.concat(await chunksOf(bench, { ...scanned, ...parts }, 'items')).toString();
    isEqual(
      items.split('\n').slice(0, -1).sort(),
      pairs.map((pair) => `,${pair}`),
    );
  }
}

/** Compares without a report, which would take long for megabytes. */
function isEqual(actual: readonly string[], expected: readonly string[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, text] of actual.entries())
    assert.ok(text === expected[i], `${text.slice(0, 300)} should be ${expected[i]?.slice(0, 300)}`);
}

async function chunksOf(
  { engine, clock }: EngineTestBench,
  scanned: Scanned & { readonly meta?: boolean; readonly values?: boolean },
  format: PairFormat,
  meanwhile: () => unknown = () => undefined,
): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const chunk of new KvStore(engine, clock).scanJson({ meta: false, ...scanned, format })) {
    if (chunk.length === 0) continue;
    found.push(chunk);
    await meanwhile();
  }
  return found;
}

interface JsonPair {
  readonly key: { readonly data: string };
  readonly value: { readonly data: string };
}

async function jsonPairs(
  bench: EngineTestBench,
  scanned: Scanned,
  format: PairFormat,
  meanwhile?: () => unknown,
): Promise<JsonPair[]> {
  const text = Buffer.concat(await chunksOf(bench, scanned, format, meanwhile)).toString();
  return JSON.parse(format === 'items' ? `[${text.slice(1)}]` : `[${text.trimEnd().replaceAll('\n', ',')}]`);
}

function keysOf(pairs: readonly JsonPair[]): string[] {
  return pairs.map(({ key }) => key.data).sort();
}

const ALPHABET = [
  'a',
  'Z',
  '"',
  '\\',
  '/',
  '\n',
  '\u0000',
  '\u001f',
  ' ',
  '!',
  '#',
  '[',
  ']',
  '\u007f',
  'é',
  '\u2028',
  '日',
  '\u{10348}',
];

function randomText(length: number, below: (bound: number) => number): string {
  return Array.from({ length }, () => ALPHABET[below(ALPHABET.length)] ?? '').join('');
}
