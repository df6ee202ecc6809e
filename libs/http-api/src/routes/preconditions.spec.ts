import { entityTag, isMatchFailed, isNotModified, writePrecondition } from './preconditions.js';

const ABSENT = 0;

/** Whether a write may be made, by the precondition that the headers make. */
function holds(headers: Record<string, string>, version: number): boolean {
  const precondition = writePrecondition(headers);
  if ('holds' in precondition) return precondition.holds(version);
  return precondition.ifVersion === undefined || precondition.ifVersion === version;
}

it('a version is a strong entity tag', () => {
  expect(entityTag(17)).toBe('"17"');
});

describe('If-Match of a write (RFC 9110, section 13.1.1)', () => {
  it.each([
    ['"5"', 5, true],
    ['"5"', 6, false],
    ['"5"', ABSENT, false],
    ['*', 5, true],
    ['*', ABSENT, false],
    [' * ', 5, true],
    ['"4", "5"', 5, true],
    ['"4","5",', 4, true],
    ['"4", "6"', 5, false],
    ['"4", "6"', ABSENT, false],
    // It compares strongly (section 8.8.3.2).
    ['W/"5"', 5, false],
    ['W/"5", "5"', 5, true],
    // Tags of others can't match, nor can other spellings of a version.
    ['"x,y"', 5, false],
    ['""', ABSENT, false],
    ['"0"', ABSENT, false],
    ['"05"', 5, false],
    ['"9007199254740993"', 5, false],
    ['"99999999999999999999"', 5, false],
  ])('%s over version %i: %s', (header, version, expected) => {
    expect(holds({ 'if-match': header }, version)).toBe(expected);
  });
});

describe('If-None-Match of a write (RFC 9110, section 13.1.2)', () => {
  it.each([
    ['*', ABSENT, true],
    ['*', 5, false],
    ['"5"', 5, false],
    ['"5"', 6, true],
    ['"5"', ABSENT, true],
    ['W/"5"', 5, false],
    ['"4", "5"', 5, false],
    ['"4", "6"', 5, true],
    ['"x"', 5, true],
  ])('%s over version %i: %s', (header, version, expected) => {
    expect(holds({ 'if-none-match': header }, version)).toBe(expected);
  });
});

describe('both together', () => {
  it.each([
    ['*', '"5"', 5, false],
    ['*', '"5"', 6, true],
    ['*', '"5"', ABSENT, false],
    ['"5"', '*', 5, false],
    ['"5"', '*', ABSENT, false],
    ['"5"', '"6"', 5, true],
  ])('If-Match %s and If-None-Match %s over version %i: %s', (match, noneMatch, version, expected) => {
    expect(holds({ 'if-match': match, 'if-none-match': noneMatch }, version)).toBe(expected);
  });
});

describe('what the store decides by itself', () => {
  it('is one version, or absence: it costs no read', () => {
    expect(writePrecondition({})).toEqual({});
    expect(writePrecondition({ 'if-match': '"5"' })).toEqual({ ifVersion: 5 });
    expect(writePrecondition({ 'if-none-match': '*' })).toEqual({ ifVersion: 0 });
  });
});

describe('a read', () => {
  it.each([
    ['"5"', 5, true],
    ['W/"5"', 5, true],
    ['*', 5, true],
    ['"4", "5"', 5, true],
    ['"4"', 5, false],
  ])('with If-None-Match %s of version %i is not modified: %s', (header, version, expected) => {
    expect(isNotModified({ 'if-none-match': header }, version)).toBe(expected);
  });

  it.each([
    ['"5"', 5, false],
    ['*', 5, false],
    ['"4"', 5, true],
    ['W/"5"', 5, true],
  ])('with If-Match %s of version %i fails: %s', (header, version, expected) => {
    expect(isMatchFailed({ 'if-match': header }, version)).toBe(expected);
  });

  it('without conditions is neither', () => {
    expect([isNotModified({}, 5), isMatchFailed({}, 5)]).toEqual([false, false]);
  });
});

it.each(['5', '', ',', '"5', '5"', '"5" x', '*, "5"', 'w/"5"', '"a b"'])(
  '%j is no list of entity tags',
  (header) => {
    const refusal = expect.objectContaining({ code: 'invalid_parameter' });
    expect(() => writePrecondition({ 'if-match': header })).toThrow(refusal);
    expect(() => writePrecondition({ 'if-none-match': header })).toThrow(refusal);
  },
);
