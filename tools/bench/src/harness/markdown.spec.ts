import { toMarkdown } from './markdown.js';
import { atLeast, atMost, type Goal } from './report.js';

const markdownOf = (...goals: Goal[]): string =>
  toMarkdown({ suite: 'test', quick: false, machine: 'any', tables: [], measurements: [], goals });

it('judges a goal by the median of the rounds, and shows between what the middle half of them was', () => {
  const rounds = [0.9, 0.2, 0.8, 0.7, 0.6];
  const text = markdownOf(atLeast('fast', 'ratio', rounds, 0.7), atMost('cheap', 'ratio', rounds, 0.69));
  expect(text).toMatch(/\| fast +\| 0\.70 \(0\.60 to 0\.80\) \| met +\|/);
  expect(text).toMatch(/\| cheap +\| 0\.70 \(0\.60 to 0\.80\) \| \*\*not met\*\* +\|/);
});

it('shows what was measured once as it is', () => {
  expect(markdownOf(atMost('small', 'MiB', 5 * 2 ** 20, 32 * 2 ** 20))).toMatch(
    /\| small \| 5 MiB +\| met \|/,
  );
});
