import { KvsError, type ItemFailure, type MaybePromise } from '@kvs/protocol';
import { RedisError } from './reply.js';
import { settle } from './settle.js';

/** The prefix of the error of a write that may have been applied, or was in part. No client repeats a command that fails with it. */
export const MAYBE_APPLIED = 'MAYBEAPPLIED';

/** Returns the error that clients know for a failed item. */
export function itemError({ code, message, maybeApplied }: ItemFailure): RedisError {
  if (maybeApplied) return new RedisError(MAYBE_APPLIED, `the write may have been applied: ${message}`);
  switch (code) {
    case 'out_of_memory':
      return new RedisError('OOM', "command not allowed when used memory > 'maxmemory'.");
    case 'under_replicated':
      return new RedisError('NOREPLICAS', 'Not enough good replicas to write.');
    case 'overloaded':
      return new RedisError('TRYAGAIN', message);
    case 'wrong_node':
    case 'node_unavailable':
    case 'engine_unavailable':
    case 'not_ready':
    case 'shutting_down':
      return new RedisError('CLUSTERDOWN', message);
    default:
      return new RedisError('ERR', message);
  }
}

/** Returns the reply to a command that failed; undefined for an error that is a defect. */
export function errorReply(error: unknown): RedisError | undefined {
  if (error instanceof RedisError) return error;
  if (error instanceof KvsError) return itemError({ ok: false, code: error.code, message: error.message });
  return undefined;
}

/** Returns the error of an EXEC that ran nothing. No client repeats a transaction after it. */
export function discarded({ prefix, message }: RedisError): RedisError {
  const reason = prefix === 'ERR' ? message : `${prefix} ${message}`;
  return new RedisError('EXECABORT', `Transaction discarded because of: ${reason}`);
}

/**
 * Returns whether cluster clients repeat a transaction after this error. They do not repeat its WATCH, so a client that watches
 * keys must get another error: the repeated transaction could replace what others wrote meanwhile.
 */
export function isRepeated({ prefix }: RedisError): boolean {
  return prefix === 'MOVED' || prefix === 'CLUSTERDOWN' || prefix === 'TRYAGAIN';
}

/** Runs the rest of a command that has written something: if the rest fails, its error says so. */
export function afterWrite<T>(run: () => MaybePromise<T>): MaybePromise<T> {
  return settle(
    run,
    (done) => done,
    (error) => {
      throw ranInPart(error);
    },
  );
}

/**
 * Returns the error of a command that had written something before it failed.
 *
 * @throws the error itself if it is a defect
 */
export function ranInPart(error: unknown): RedisError {
  const reply = errorReply(error);
  if (reply === undefined) throw error;
  if (reply.prefix === MAYBE_APPLIED) return reply;
  return new RedisError(MAYBE_APPLIED, `the command ran in part: ${reply.message}`);
}
