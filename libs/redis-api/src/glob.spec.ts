import fc from 'fast-check';
import { Glob } from './glob.js';

const matchesGlob = (pattern: string, text: string) =>
  new Glob(Buffer.from(pattern)).matches(Buffer.from(text));

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
  ['[a-', ['a', '-'], ['b']],
  ['[^a-c\\-x]', ['d', '^'], ['a', 'b', 'c', '-', 'x']],
  ['[', [], ['', '[', 'a']],
  ['[^', ['a', '['], ['', 'ab']],
  ['[]a', [], ['a', ']a']],
  ['*a*b*', ['ab', 'xaxbx'], ['ba']],
  ['', [''], ['a']],
])('%j matches as in Redis', (pattern, matching, others) => {
  const matches = (text: string) => matchesGlob(pattern, text);
  expect(matching.filter((text) => !matches(text))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
});

it('takes a pattern without special bytes for itself, and answers soon for many stars', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab]{0,8}$/), fc.stringMatching(/^[ab]{0,8}$/), (pattern, text) => {
      expect(matchesGlob(pattern, text)).toBe(pattern === text);
      expect(matchesGlob(`*${pattern}*`, text)).toBe(text.includes(pattern));
    }),
  );
  expect(matchesGlob(`${'*a'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false);
});

it('has several classes, of all bytes', () => {
  const glob = new Glob(Buffer.from('[^a-c][x-z][^\\^]'));
  const isMatch = (bytes: number[]) => glob.matches(Buffer.from(bytes));
  expect([
    isMatch([255, 120, 0]),
    isMatch([97, 120, 0]),
    isMatch([0, 119, 0]),
    isMatch([0, 122, 94]),
  ]).toEqual([true, false, false, false]);
});

it('reads a class once, or the test would take minutes', () => {
  const glob = new Glob(Buffer.from(`*[${'b'.repeat(16_000)}]z`));
  const bytes = Buffer.from('b'.repeat(4000));
  for (let i = 0; i < 2000; i++) expect(glob.matches(bytes)).toBe(false);
});
