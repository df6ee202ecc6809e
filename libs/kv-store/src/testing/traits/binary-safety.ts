import { strict as assert } from 'node:assert';
import { binaryValue, brandValue, DEFAULT_LIMITS, stringValue, type Value } from '@kvs/protocol';
import { get, scanPairs, set, write } from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';
import { UNICODE_TEXTS } from './identity.js';

export const binarySafety: Trait = {
  title: 'faithfulness to every value',
  tests: {
    'all 256 byte values come back': (bench) =>
      comesBack(bench, binaryValue(Uint8Array.from({ length: 256 }, (_, byte) => byte))),
    'bytes that are not UTF-8 come back': (bench) =>
      comesBack(bench, binaryValue(Uint8Array.of(0xc0, 0x80, 0xed, 0xa0, 0x80, 0xff, 0xfe, 0x00))),
    'the empty text comes back, and is not absence': (bench) => comesBack(bench, stringValue('')),
    'no bytes come back as no bytes, and are not absence': (bench) =>
      comesBack(bench, binaryValue(new Uint8Array())),
    'text of any Unicode comes back': async (bench) => {
      for (const text of UNICODE_TEXTS) await comesBack(bench, stringValue(text));
    },
    'text in another syntax comes back as text': async (bench) => {
      for (const text of ['null', '0', '1e3', '{"a":1}', '"', '\\', '\r\n', 'deadbeef']) {
        await comesBack(bench, stringValue(text));
      }
    },
    'a text of maximum length comes back': (bench) => {
      const unit = 'abcdefg\u00e9\u0939\u{10348}';
      return comesBack(
        bench,
        stringValue(unit.repeat(DEFAULT_LIMITS.maxValueBytes / Buffer.byteLength(unit))),
      );
    },
    'bytes of maximum length come back': (bench) =>
      comesBack(
        bench,
        brandValue({ encoding: 'binary', data: '00017f80feff5aa5'.repeat(DEFAULT_LIMITS.maxValueBytes / 8) }),
      ),
  },
};

async function comesBack({ engine }: EngineTestBench, value: Value): Promise<void> {
  await set(engine, write('key', value));
  assertSame((await get(engine, 'key'))?.value, value);
  const [scanned] = await scanPairs(engine);
  assertSame(scanned?.value, value);
}

/** Does not use assert.deepEqual, which takes minutes to report a difference in megabytes. */
function assertSame(actual: Value | undefined, expected: Value): void {
  assert.equal(actual?.encoding, expected.encoding);
  assert.equal(actual.data.length, expected.data.length);
  assert.ok(actual.data === expected.data, `the ${expected.encoding} value came back changed`);
}
