import { LastingProblem } from './lasting-problem.js';

let lines: string[];
let problem: LastingProblem;

beforeEach(() => {
  lines = [];
  problem = new LastingProblem({ warn: (_, message) => void lines.push(message) }, 'it fails');
});

function meet(...reasons: string[]): string[] {
  for (const reason of reasons) problem.meet(new Error(reason));
  return lines.splice(0);
}

it('each reason is logged once, until the problem ends', () => {
  expect(meet('a', 'a', 'b', 'a', 'c', 'b')).toEqual(['it fails: a', 'it fails: b', 'it fails: c']);
  expect(problem.reason).toBe('b');
  problem.end();
  expect([problem.reason, meet('b')]).toEqual([undefined, ['it fails: b']]);
});

it('reasons that are different each time are not all logged', () => {
  expect(meet(...Array.from({ length: 100 }, (_, time) => `revision ${time}`))).toHaveLength(20);
});
