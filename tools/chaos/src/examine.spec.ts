import type { Act, Operation, Result } from '@kvs-tools/cluster-simulation';
import { examine } from './examine.js';

let id = 0;
function operation(act: Act, invokedMs: number, returnedMs: number, result: Result | undefined): Operation {
  return { id: id++, key: 'k', act, invokedMs, returnedMs, result };
}

function set(value: string, version: number, atMs: number): Operation {
  return operation({ kind: 'set', value }, atMs, atMs + 1, { kind: 'set', version });
}

function read(value: string, version: number, atMs: number): Operation {
  return operation({ kind: 'read' }, atMs, atMs + 1, { kind: 'found', value, version });
}

const absent = (atMs: number) => operation({ kind: 'read' }, atMs, atMs + 1, { kind: 'absent' });
const unknown = (value: string, atMs: number) => operation({ kind: 'set', value }, atMs, Infinity, undefined);

it.each<[string, Operation[]]>([
  ['a stale read', [set('a', 1, 0), set('b', 2, 2), read('a', 1, 4)]],
  ['an acknowledged write that is lost', [set('a', 1, 0), absent(2)]],
  ['a write that is seen and then lost', [unknown('a', 0), read('a', 1, 2), absent(4)]],
])('finds %s', (_, operations) => {
  const { findings } = examine(new Map([['k', operations]]));
  expect(findings[0]).toContain('k: ');
});

it.each<[string, Operation[]]>([
  [
    'a write whose outcome is unknown and that is never seen',
    [set('a', 1, 0), unknown('b', 2), read('a', 1, 4)],
  ],
  [
    'a write whose outcome is unknown and that is seen late',
    [set('a', 1, 0), unknown('b', 2), read('b', 2, 9)],
  ],
])('accepts %s', (_, operations) => {
  expect(examine(new Map([['k', operations]]))).toEqual({ findings: [], undecided: 0 });
});
