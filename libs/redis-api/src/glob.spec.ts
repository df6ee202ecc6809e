import fc from 'fast-check';
import { matchesGlob } from './glob.js';

it.each<[string, string[], string[]]>([
  ['*', ['', 'a', 'abc'], []],
  ['h?llo', ['hello', 'hallo'], ['hllo', 'heello']],
  ['h*llo', ['hllo', 'heeeello'], ['hell']],
  ['h[ae]llo', ['hello', 'hallo'], ['hillo', 'h[llo']],
  ['h[^e]llo', ['hallo', 'hbllo'], ['hello']],
  ['h[a-b]llo', ['hallo', 'hbllo'], ['hcllo']],
  ['h[b-a]llo', ['hallo', 'hbllo'], ['hcllo']],
  ['[a\\]]', ['a', ']'], ['\\', 'b']],
  ['\\*', ['*'], ['a', '\\*']],
  ['a\\', ['a\\'], ['a']],
  ['[ab', ['a', 'b'], ['c', '[ab']],
  ['*a*b*', ['ab', 'xaxbx'], ['ba']],
  ['', [''], ['a']],
])('%j matches as in Redis', (pattern, matching, others) => {
  const matches = (text: string) => matchesGlob(Buffer.from(pattern), Buffer.from(text));
  expect(matching.filter((text) => !matches(text))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
});

it('takes a pattern without special bytes for itself, and answers soon for many stars', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab]{0,8}$/), fc.stringMatching(/^[ab]{0,8}$/), (pattern, text) => {
      expect(matchesGlob(Buffer.from(pattern), Buffer.from(text))).toBe(pattern === text);
      expect(matchesGlob(Buffer.from(`*${pattern}*`), Buffer.from(text))).toBe(text.includes(pattern));
    }),
  );
  expect(matchesGlob(Buffer.from(`${'*a'.repeat(50)}b`), Buffer.from('a'.repeat(5000)))).toBe(false);
});
