import { toMarkdown } from './markdown.js';
import { atLeast, atMost, type Goal } from './report.js';

const markdownOf = (...goals: Goal[]): string =>
  toMarkdown({ suite: 'test', machine: 'any', tables: [], goals });

it('judges a goal by the median of the rounds, and shows the interquartile range', () => {
  const rounds = [0.9, 0.2, 0.8, 0.7, 0.6];
  const text = markdownOf(atLeast('fast', 'ratio', rounds, 0.7), atMost('cheap', 'ratio', rounds, 0.69));
  expect(text).toMatch(/\| fast +\| 0\.70 \(0\.60 to 0\.80\) \| met +\|/);
  expect(text).toMatch(/\| cheap +\| 0\.70 \(0\.60 to 0\.80\) \| \*\*not met\*\* +\|/);
});

it('shows a value that was measured once without a range', () => {
  expect(markdownOf(atMost('small', 'MiB', 5 * 2 ** 20, 32 * 2 ** 20))).toMatch(
    /\| small \| 5 MiB +\| met \|/,
  );
});

it('lists goals that are not met first', () => {
  const text = markdownOf(atMost('good', 'count', 1, 2), atMost('bad', 'count', 3, 2));
  expect(text.indexOf('| bad')).toBeLessThan(text.indexOf('| good'));
});
