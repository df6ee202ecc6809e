import { checkLinearizable } from './linearizability.js';
import { checkVersions } from './versions.js';
import type { Act, Operation, Result } from './history.js';

let id = 0;
function operation(act: Act, invokedMs: number, returnedMs: number, result?: Result): Operation {
  return { id: ++id, key: 'k', act, invokedMs, returnedMs, result };
}

function set(value: string, version: number, from: number, until: number, ifVersion?: number): Operation {
  const act: Act = ifVersion === undefined ? { kind: 'set', value } : { kind: 'set', value, ifVersion };
  return operation(act, from, until, { kind: 'set', version });
}

function lostSet(value: string, from: number): Operation {
  return operation({ kind: 'set', value }, from, Infinity);
}

function read(value: string, version: number, from: number, until: number): Operation {
  return operation({ kind: 'read' }, from, until, { kind: 'found', value, version });
}

function readAbsent(from: number, until: number): Operation {
  return operation({ kind: 'read' }, from, until, { kind: 'absent' });
}

describe('an order is found for', () => {
  it.each<[string, Operation[]]>([
    ['no operations', []],
    [
      'reads that overlap a write and see it or not',
      [set('a', 1, 0, 10), readAbsent(1, 5), read('a', 1, 2, 6)],
    ],
    [
      'a write without an answer that is seen late',
      [lostSet('a', 0), readAbsent(1, 2), read('a', 1, 50, 51)],
    ],
    [
      'a write without an answer that is never seen',
      [lostSet('a', 0), set('b', 2, 1, 2), read('b', 2, 3, 4)],
    ],
    ['a condition that holds', [set('a', 1, 0, 1, 0), set('b', 2, 2, 3, 1), read('b', 2, 4, 5)]],
    [
      'a condition that fails because of a write without an answer',
      [
        set('a', 1, 0, 1),
        lostSet('b', 1),
        operation({ kind: 'set', value: 'c', ifVersion: 1 }, 3, 4, { kind: 'mismatch' }),
      ],
    ],
    [
      'a deletion and the absence after it',
      [set('a', 1, 0, 1), operation({ kind: 'delete' }, 2, 3, { kind: 'deleted' }), readAbsent(4, 5)],
    ],
    [
      'a pair that expired',
      [
        operation({ kind: 'set', value: 'a', ttlMs: 100 }, 0, 1, { kind: 'set', version: 1 }),
        read('a', 1, 80, 81),
        readAbsent(95, 96),
      ],
    ],
    [
      'a refused write that did nothing',
      [
        operation({ kind: 'set', value: 'a' }, 0, 1, { kind: 'refused', code: 'under_replicated' }),
        readAbsent(2, 3),
      ],
    ],
  ])('%s', (_, operations) => {
    expect(checkLinearizable(operations)).toEqual({ kind: 'explained' });
  });
});

describe('no order is found for', () => {
  it.each<[string, Operation[]]>([
    ['an acknowledged write that is gone', [set('a', 1, 0, 1), readAbsent(2, 3)]],
    ['a read of an older value', [set('a', 1, 0, 1), set('b', 2, 2, 3), read('a', 1, 4, 5)]],
    [
      'a value that is seen, and then not, while the write has no answer',
      [lostSet('a', 0), read('a', 1, 1, 2), readAbsent(3, 4)],
    ],
    [
      'a refused write that took effect',
      [
        operation({ kind: 'set', value: 'a' }, 0, 1, { kind: 'refused', code: 'under_replicated' }),
        read('a', 1, 2, 3),
      ],
    ],
    ['two writes under one condition', [set('a', 1, 0, 1), set('b', 2, 2, 5, 1), set('c', 3, 2, 5, 1)]],
    [
      'a condition that failed although it held',
      [
        set('a', 1, 0, 1),
        operation({ kind: 'set', value: 'b', ifVersion: 1 }, 2, 3, { kind: 'mismatch' }),
        read('a', 1, 4, 5),
      ],
    ],
    [
      'a deleted key that returns',
      [
        set('a', 1, 0, 1),
        operation({ kind: 'delete' }, 2, 3, { kind: 'deleted' }),
        readAbsent(4, 5),
        read('a', 1, 6, 7),
      ],
    ],
    [
      'a deletion of a key that was there and was said to be absent',
      [set('a', 1, 0, 1), operation({ kind: 'delete' }, 2, 3, { kind: 'absent' })],
    ],
    [
      'an expired pair that returns',
      [
        operation({ kind: 'set', value: 'a', ttlMs: 100 }, 0, 1, { kind: 'set', version: 1 }),
        readAbsent(95, 96),
        read('a', 1, 97, 98),
      ],
    ],
    ['a version with two values', [set('a', 1, 0, 1), set('b', 1, 2, 3)]],
    ['a value with two versions', [set('a', 1, 0, 1), read('a', 2, 2, 3)]],
  ])('%s', (_, operations) => {
    expect(checkLinearizable(operations)).toMatchObject({ kind: 'unexplained' });
  });
});

it('names the answer that cannot follow', () => {
  const wrong = readAbsent(20, 30);
  expect(checkLinearizable([set('a', 1, 0, 10), wrong, read('a', 1, 40, 50)])).toEqual({
    kind: 'unexplained',
    text: expect.stringContaining(`#${wrong.id} k: read`),
  });
});

it('explains sixty concurrent writes of which none was answered, in time', () => {
  const lost = Array.from({ length: 60 }, (_, i) => lostSet(`lost${i}`, i));
  const reads = Array.from({ length: 60 }, (_, i) => read(`lost${i}`, i + 1, 100 + i, 100.5 + i));
  expect(checkLinearizable([...lost, ...reads])).toEqual({ kind: 'explained' });
});

it('gives up a search that takes too long', () => {
  const operations = [set('a', 1, 0, 10), set('b', 2, 0, 10), set('c', 3, 0, 10)];
  expect(checkLinearizable(operations, { maxSteps: 2 })).toEqual({ kind: 'undecided' });
});

describe('versions', () => {
  it('may come in any order while operations overlap', () => {
    expect(checkVersions([set('a', 2, 0, 10), set('b', 1, 0, 10), read('b', 1, 5, 20)])).toBeUndefined();
  });

  it.each([
    ['a read', read('a', 1, 4, 5)],
    ['a write', set('c', 2, 4, 5)],
  ])('never go back for %s that began later', (_, later) => {
    expect(checkVersions([set('a', 1, 0, 1), set('b', 2, 2, 3), later])).toContain('the version went back');
  });
});

describe('if copies evict', () => {
  const evicted = [set('a', 1, 0, 10), readAbsent(20, 30), read('a', 1, 40, 50), set('b', 2, 60, 70, 0)];
  const deleted = [
    set('a', 1, 0, 10),
    operation({ kind: 'delete' }, 20, 30, { kind: 'absent' }),
    read('a', 1, 40, 50),
  ];

  it('a key may be absent for a while', () => {
    expect(checkLinearizable(evicted, { evicts: true })).toEqual({ kind: 'explained' });
    expect(checkLinearizable(evicted)).toMatchObject({ kind: 'unexplained' });
  });

  it('a key that was deleted stays absent', () => {
    expect(checkLinearizable(deleted, { evicts: true })).toMatchObject({ kind: 'unexplained' });
  });
});
