import { strict as assert } from 'node:assert';
import { binaryKey, binaryValue, DEFAULT_LIMITS, stringKey, stringValue, type Key } from '@kvs/protocol';
import { get, has, read, remove, scanPairs, set, write } from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';

export const identity: Trait = {
  title: 'identity of keys and values',
  tests: {
    'a string key and a binary key of the same data are two keys': async ({ engine }) => {
      const text = stringKey('1234');
      const bytes = binaryKey(Uint8Array.of(0x12, 0x34));
      await set(engine, write(text, 'of the text'));
      assert.equal(await has(engine, bytes), false);
      await set(engine, write(bytes, 'of the bytes'));
      assert.equal(await read(engine, text), 'of the text');
      assert.equal(await remove(engine, bytes), 'deleted');
      assert.equal(await read(engine, text), 'of the text');
    },
    'a binary key has one spelling': async ({ engine }) => {
      await set(engine, write(binaryKey(Uint8Array.of(0xab, 0xcd)), 'v'));
      const [pair] = await scanPairs(engine);
      assert.equal(pair?.id, 'babcd');
      assert.equal(await read(engine, binaryKey(Uint8Array.of(0xab, 0xcd))), 'v');
    },
    'a string key keeps its case, its spaces and its normalization form': (bench) =>
      keepsApart(
        bench,
        ['key', 'Key', ' key', 'key ', 'key\n', '\u00e9', 'e\u0301', '\u212b', '\u00c5'].map(stringKey),
      ),
    'a key and a prefix of it are two keys': (bench) =>
      keepsApart(bench, ['k', 'ke', 'key', 'key:', 'key:1', 'key:10', 'key:1:0'].map(stringKey)),
    'keys with a meaning in a program are ordinary keys': (bench) =>
      keepsApart(bench, SPECIAL_WORDS.map(stringKey)),
    'keys of any Unicode stay distinct and come back unchanged': (bench) =>
      keepsApart(bench, UNICODE_TEXTS.map(stringKey)),
    'keys of any bytes stay distinct and come back unchanged': (bench) =>
      keepsApart(bench, [
        ...Array.from({ length: 256 }, (_, byte) => binaryKey(Uint8Array.of(byte))),
        binaryKey(Uint8Array.of(0, 0)),
        binaryKey(Uint8Array.of(0xff, 0xff)),
      ]),
    'keys of maximum length work, and their last byte counts': (bench) => {
      const length = DEFAULT_LIMITS.maxKeyBytes - 1;
      const bytes = new Uint8Array(length);
      return keepsApart(bench, [
        stringKey('k'.repeat(length) + '1'),
        stringKey('k'.repeat(length) + '2'),
        binaryKey(Uint8Array.of(...bytes, 1)),
        binaryKey(Uint8Array.of(...bytes, 2)),
      ]);
    },
    'a string value and a binary value of the same data are two values': async ({ engine }) => {
      await set(engine, write('text', stringValue('1234')));
      await set(engine, write('bytes', binaryValue(Uint8Array.of(0x12, 0x34))));
      assert.deepEqual((await get(engine, 'text'))?.value, { encoding: 'string', data: '1234' });
      assert.deepEqual((await get(engine, 'bytes'))?.value, { encoding: 'binary', data: '1234' });
    },
    'an overwrite may change the encoding': async ({ engine }) => {
      await set(engine, write('key', stringValue('1234')));
      await set(engine, write('key', binaryValue(Uint8Array.of(0x56))));
      assert.deepEqual((await get(engine, 'key'))?.value, { encoding: 'binary', data: '56' });
    },
  },
};

export const UNICODE_TEXTS: readonly string[] = [
  '\u0000',
  'a\u0000b',
  '\u007f\u0080\u07ff\u0800',
  '\ufeffmarked',
  '\ufffd',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '\u2028\u2029',
  'שלום \u202eolleh',
  '日本語',
  '👩‍👩‍👧‍👦',
  'z\u0351\u036f\u0489',
];

const SPECIAL_WORDS: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'undefined',
  'null',
  '0',
  '-1',
  '*',
  'a*',
  '{tag}',
  '../..',
];

/** Checks that each key has its own value, alone and in a scan, and that deleting it deletes no other. */
async function keepsApart({ engine }: EngineTestBench, keys: readonly Key[]): Promise<void> {
  await engine.setMany(keys.map((key, index) => write(key, `value ${index}`)));
  for (const [index, key] of keys.entries()) assert.equal(await read(engine, key), `value ${index}`);
  const scanned = new Map((await scanPairs(engine)).map(({ id, value }) => [id, value.data]));
  assert.deepEqual(scanned, new Map(keys.map((key, index) => [write(key).id, `value ${index}`])));
  for (const [index, key] of keys.entries()) {
    assert.equal(await remove(engine, key), 'deleted');
    const next = keys[index + 1];
    if (next !== undefined) assert.equal(await has(engine, next), true);
  }
  assert.deepEqual(await scanPairs(engine), []);
}
