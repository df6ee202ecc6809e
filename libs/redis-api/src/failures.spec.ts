import { KvsError, type ErrorCode } from '@kvs/protocol';
import { errorReply, itemError } from './failures.js';
import { RedisError } from './reply.js';

it.each<[ErrorCode, string]>([
  ['out_of_memory', 'OOM'],
  ['under_replicated', 'NOREPLICAS'],
  ['overloaded', 'TRYAGAIN'],
  ['node_unavailable', 'CLUSTERDOWN'],
  ['wrong_node', 'CLUSTERDOWN'],
  ['engine_unavailable', 'CLUSTERDOWN'],
  ['not_ready', 'CLUSTERDOWN'],
  ['shutting_down', 'CLUSTERDOWN'],
  ['key_too_long', 'ERR'],
])('%s has the prefix %s', (code, prefix) => {
  expect(errorReply(new KvsError(code, 'the reason'))?.prefix).toBe(prefix);
});

it('a write that may have been applied has a prefix that no client repeats, whatever the reason', () => {
  const error = itemError({ ok: false, code: 'node_unavailable', message: 'timed out', maybeApplied: true });
  expect(error.prefix).toBe('MAYBEAPPLIED');
});

it('passes errors of commands on, and knows no reply for a defect', () => {
  const error = new RedisError('ERR', 'syntax error');
  expect([errorReply(error), errorReply(new TypeError('a defect'))]).toEqual([error, undefined]);
});
