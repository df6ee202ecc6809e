import { AcknowledgedWrites, type HeldPairs } from './copies.js';

function copyWith(pairs: Record<string, number>): HeldPairs {
  return {
    name: 'n1',
    get: (key) => {
      const version = pairs[key];
      return version === undefined ? undefined : { version };
    },
  };
}

describe('a copy', () => {
  let acknowledged: AcknowledgedWrites;
  beforeEach(() => {
    acknowledged = new AcknowledgedWrites();
    acknowledged.written('a', 5);
  });

  it.each([[5], [6]])('has a write if it has version %d', (version) => {
    expect(acknowledged.lacking(copyWith({ a: version }), ['a', 'b'])).toBeUndefined();
  });

  it('lacks a write if it has an older version, or none', () => {
    expect(acknowledged.lacking(copyWith({ a: 4 }), ['a'])).toContain('in version 4');
    expect(acknowledged.lacking(copyWith({}), ['a'])).toContain('has no a');
  });

  it('may have removed the pair since', () => {
    acknowledged.removing('a', 5);
    expect(acknowledged.lacking(copyWith({}), ['a'])).toBeUndefined();
    expect(acknowledged.lacking(copyWith({ a: 5 }), ['a'])).toBeUndefined();
  });

  it('must have removed the pair once that is acknowledged', () => {
    acknowledged.removing('a', 5);
    acknowledged.removed('a', 5);
    expect(acknowledged.lacking(copyWith({}), ['a'])).toBeUndefined();
    expect(acknowledged.lacking(copyWith({ a: 6 }), ['a'])).toBeUndefined();
    expect(acknowledged.lacking(copyWith({ a: 5 }), ['a'])).toContain('whose removal was acknowledged');
  });
});
