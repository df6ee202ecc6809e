import { parseJsonBody } from './json-body.js';
import { DEFAULT_LIMITS } from './limits.js';

const parse = (text: string | Uint8Array, type?: string): unknown =>
  parseJsonBody(typeof text === 'string' ? Buffer.from(text) : text, type, DEFAULT_LIMITS);

const withCode = (code: string): Error => expect.objectContaining({ code });

describe('a JSON body', () => {
  it.each([undefined, 'application/json', 'Application/JSON; charset=utf-8', 'application/vnd.api+json'])(
    'is read when its type is %s',
    (type) => expect(parse('[1]', type)).toEqual([1]),
  );

  it("is read when its type is curl's default", () => {
    expect(parse('[1]', 'application/x-www-form-urlencoded')).toEqual([1]);
  });

  it('may begin with a byte order mark', () => {
    expect(parse('\ufeff[1]')).toEqual([1]);
  });
});

describe('a body that is not JSON', () => {
  it.each(['', '[', '{"a":1,}', 'a=b', 'NaN', "'a'"])('is refused: %j', (text) => {
    expect(() => parse(text, 'application/json')).toThrow(withCode('invalid_json'));
    expect(() => parse(text)).toThrow(withCode('invalid_json'));
  });

  it.each(['Application/JSON; charset=utf-8', 'application/vnd.api+json'])(
    'is refused for its text when its type is %s',
    (type) => expect(() => parse('[', type)).toThrow(withCode('invalid_json')),
  );

  it('is refused for its type when that is not JSON either', () => {
    expect(() => parse('<a/>', 'application/xml')).toThrow(withCode('unsupported_media_type'));
    expect(() => parse('a=b', 'application/x-www-form-urlencoded')).toThrow(
      withCode('unsupported_media_type'),
    );
  });

  it('is refused when it is not UTF-8, rather than mended', () => {
    expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(withCode('invalid_json'));
  });
});

describe('a large body that no valid batch looks like', () => {
  const MIB = 1024 * 1024;

  it('is refused for its depth', () => {
    expect(() => parse('['.repeat(MIB))).toThrow(withCode('invalid_shape'));
    expect(() => parse('{"a":'.repeat(MIB))).toThrow(withCode('invalid_shape'));
  });

  it('may be nested 16 levels deep, again and again', () => {
    const nested = `${'['.repeat(15)}${']'.repeat(15)}`;
    const [first, ...others] = [' '.repeat(MIB), nested, nested];
    expect(parse(`[${first}${others.join()}]`)).toHaveLength(2);
    expect(() => parse(`[${first}[${nested}]]`)).toThrow(withCode('invalid_shape'));
  });

  it('is refused for its number of parts', () => {
    expect(() => parse(`[${'{},'.repeat(MIB)}{}]`)).toThrow(withCode('too_many_items'));
    expect(() => parse(`[${'0,'.repeat(MIB)}0]`)).toThrow(withCode('too_many_items'));
    expect(() => parse(`[{${'"a":0,'.repeat(MIB)}"a":0}]`)).toThrow(withCode('too_many_items'));
  });

  it('is read when it is a full batch, each item with all it can have', () => {
    const limits = { ...DEFAULT_LIMITS, maxBatchItems: 3000 };
    const data = '{ "encoding": "string", "data": "a" }';
    const item = `{ "key": ${data}, "value": ${data}, "ttl_ms": 1, "if_version": 0 }`;
    const body = Buffer.from(`[${new Array(3000).fill(item).join(',')}]`);
    expect(parseJsonBody(body, undefined, limits)).toHaveLength(3000);
  });

  it('is not confused by brackets, commas and quotes in strings', () => {
    const data = `${'[{,'.repeat(MIB / 4)}\\"\\\\${'[{,'.repeat(MIB / 4)}`;
    expect(parse(`["${data}"]`)).toEqual([JSON.parse(`"${data}"`)]);
  });

  it('is left to the parser when a string does not end', () => {
    expect(() => parse(`["${'a'.repeat(MIB)}`)).toThrow(withCode('invalid_json'));
  });
});
