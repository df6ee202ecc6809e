import { CallBudget } from './call-budget.js';

it('a budget refuses calls while as many as allowed are in flight', () => {
  const budget = new CallBudget(2, 1000);
  expect([budget.enter(1), budget.enter(1), budget.enter(1)?.code]).toEqual([
    undefined,
    undefined,
    'overloaded',
  ]);
  budget.leave(1);
  expect(budget.enter(1)).toBeUndefined();
});

it('a budget refuses calls while as many bytes as allowed are in flight, and admits a call of any size before', () => {
  const budget = new CallBudget(10, 100);
  expect([budget.enter(5000), budget.enter(1)?.code]).toEqual([undefined, 'overloaded']);
  budget.leave(5000);
  expect(budget.enter(1)).toBeUndefined();
});
