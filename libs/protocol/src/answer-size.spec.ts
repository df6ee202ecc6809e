import { AnswerSize, leastBytes, refuseHugeAnswer, refuseHugeJson } from './answer-size.js';
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

it.each([
  ['escapes', '\u0001'.repeat(100), 600],
  ['characters of three bytes', '日'.repeat(100), 300],
])('is not passed over because its text is short, with many %s', (_, text, bytes) => {
  const outcomes = [found(stringValue(text)), found(stringValue(''))];
  expect(() => refuseHugeJson([a, b], outcomes, bytes + 2)).not.toThrow();
  expect(() => refuseHugeJson([a, b], outcomes, bytes + 1)).toThrow(/more than \d+ bytes/);
  if (text.startsWith('日'))
    expect(() => refuseHugeAnswer([a, b], outcomes, bytes + 1)).toThrow(/more than \d+ bytes/);
});

it('keys count too, also those of absent pairs', () => {
  const keys = ['a', 'b'].map((unit) => stringKey(unit.repeat(1000)));
  const absent: FetchOutcome = { ok: true, entry: null };
  expect(() => refuseHugeAnswer(keys, [absent, absent], 1999)).toThrow(/more than 1999 bytes/);
});

it('an answer that is too large for one node is too large as a whole', () => {
  const refusal: FetchOutcome = { ok: false, code: 'answer_too_large', message: 'too large for the node' };
  expect(() => refuseHugeAnswer([a, b], [found(stringValue('')), refusal], Infinity)).toThrow(
    expect.objectContaining({ code: 'answer_too_large', message: 'too large for the node' }),
  );
});

it('values that exceeded the limit as they arrived did so for good', () => {
  const size = new AnswerSize(10);
  size.add(leastBytes(binaryValue(new Uint8Array(10))));
  expect(size.isExceeded).toBe(false);
  size.add(1);
  size.add(-11);
  expect(size.isExceeded).toBe(true);
});

it('two hexadecimal digits are one byte', () => {
  const value = found(binaryValue(new Uint8Array(1000)));
  expect(() => refuseHugeJson([a, b], [value, value], 2002)).not.toThrow();
  expect(() => refuseHugeJson([a, b], [value, value], 2001)).toThrow(/more than \d+ bytes/);
});
