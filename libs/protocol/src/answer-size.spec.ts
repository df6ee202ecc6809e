import { refuseHugeAnswer, refuseHugeJson } from './answer-size.js';
import { binaryValue, stringKey, stringValue, type Value } from './key.js';
import type { FetchOutcome } from './operations.js';

const [a, b] = [stringKey('a'), stringKey('b')];
const found = (value: Value): FetchOutcome => ({ ok: true, entry: { value, version: 1 } });
/** Every ASCII character, and some with more bytes. */
const TEXT = `${String.fromCharCode(...Array(128).keys())}\u0080é\u2028😀`;

it('an answer is as large as its JSON, without the quotes of its strings', () => {
  const outcomes = [found(stringValue(TEXT)), found(stringValue(TEXT))];
  const bytes = 2 * (Buffer.byteLength(JSON.stringify(TEXT)) - 2) + 2;
  expect(() => refuseHugeJson([a, b], outcomes, bytes)).not.toThrow();
  expect(() => refuseHugeJson([a, b], outcomes, bytes - 1)).toThrow(/more than \d+ bytes/);
  expect(() => refuseHugeAnswer([a, b], outcomes, bytes - 1)).not.toThrow();
});

it('a single value passes, however long its JSON is', () => {
  const zeros = found(stringValue('\0'.repeat(1000)));
  expect(() => refuseHugeJson([a], [zeros], 1001)).not.toThrow();
  expect(() => refuseHugeJson([a], [zeros], 1000)).toThrow(/more than \d+ bytes/);
});

it('two hexadecimal digits are one byte', () => {
  const value = found(binaryValue(new Uint8Array(1000)));
  expect(() => refuseHugeJson([a, b], [value, value], 2002)).not.toThrow();
  expect(() => refuseHugeJson([a, b], [value, value], 2001)).toThrow(/more than \d+ bytes/);
});
