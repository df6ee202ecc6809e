import { changeEntry, type EntryChange, type PartitionEntry } from './index.js';
import { boot } from './testing/index.js';

const [a, b, c, d] = [boot('a'), boot('b'), boot('c'), boot('d')];

const entry: PartitionEntry = { epoch: 3, primary: a, inSync: [a, b], learner: c };

describe('an entry', () => {
  it.each<[string, EntryChange, Partial<PartitionEntry>]>([
    ['takes its learner in', { kind: 'add', by: a, copy: c }, { inSync: [a, b, c], learner: undefined }],
    ['loses a copy', { kind: 'remove', by: a, copy: b }, { inSync: [a] }],
    [
      'has a copy as its primary, and keeps the old one',
      { kind: 'promote', copy: b, instead: a },
      { primary: b },
    ],
    ['loses its learner', { kind: 'withdrawLearner', learner: c }, { learner: undefined }],
    ['gets a new epoch', { kind: 'rewrite' }, {}],
    [
      'starts anew',
      { kind: 'start', primary: d, instead: a, copies: [] },
      { primary: d, inSync: [d], learner: undefined, isAfterLoss: true },
    ],
  ])('%s', (_, change, expected) => {
    expect(changeEntry(entry, change, 9)).toEqual({ ...entry, ...expected, epoch: 9 });
  });

  it('starts with more copies only if it was never assigned', () => {
    const never = { epoch: 0, primary: undefined, inSync: [], learner: undefined };
    const change: EntryChange = { kind: 'start', primary: a, instead: undefined, copies: [b, c] };
    expect(changeEntry(never, change, 9)).toEqual({ ...never, epoch: 9, primary: a, inSync: [a, b, c] });
    expect(changeEntry(never, { ...change, copies: [a] }, 9)).toBeUndefined();
    expect(changeEntry(entry, { ...change, primary: d, instead: a }, 9)).toBeUndefined();
  });

  it('says that it started after a loss until a copy is added', () => {
    const lost = { ...entry, inSync: [a], isAfterLoss: true };
    expect(changeEntry(lost, { kind: 'rewrite' }, 9)?.isAfterLoss).toBe(true);
    expect(changeEntry(lost, { kind: 'withdrawLearner', learner: c }, 9)?.isAfterLoss).toBe(true);
    expect(changeEntry(lost, { kind: 'add', by: a, copy: c }, 9)?.isAfterLoss).toBeUndefined();
  });

  it('gets a learner if it has none', () => {
    const without = { ...entry, learner: undefined };
    expect(changeEntry(without, { kind: 'nameLearner', learner: c }, 9)).toEqual({ ...entry, epoch: 9 });
    expect(changeEntry(without, { kind: 'nameLearner', learner: b }, 9)).toBeUndefined();
  });

  it.each<[string, EntryChange]>([
    ['a copy adds another', { kind: 'add', by: b, copy: c }],
    ['one that is no learner is added', { kind: 'add', by: a, copy: d }],
    ['a copy removes another', { kind: 'remove', by: b, copy: a }],
    ['the primary removes itself', { kind: 'remove', by: a, copy: a }],
    ['a stranger is removed', { kind: 'remove', by: a, copy: d }],
    ['a learner is promoted', { kind: 'promote', copy: c, instead: a }],
    ['a copy is promoted in place of another than the primary', { kind: 'promote', copy: b, instead: d }],
    ['the primary is promoted', { kind: 'promote', copy: a, instead: a }],
    ['a second learner is named', { kind: 'nameLearner', learner: d }],
    ['another learner is withdrawn', { kind: 'withdrawLearner', learner: d }],
    ['it starts in place of another than the primary', { kind: 'start', primary: d, instead: b, copies: [] }],
    ['it starts where it is', { kind: 'start', primary: a, instead: a, copies: [] }],
  ])('stays as it is if %s', (_, change) => {
    expect(changeEntry(entry, change, 9)).toBeUndefined();
  });
});
