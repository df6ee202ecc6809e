import type { Change, Entry, MakeChange } from '@kvs/protocol';
import { at } from '../arguments.js';
import type { Command, CommandFlag, KeySpec } from '../command.js';
import { runCall, type Keyspace, type SingleCall } from '../keyspace/index.js';
import { entryOf } from '../keyspace/keyspace.js';
import type { Reply } from '../reply.js';

// Commands whose first argument is their only key.

export const FIRST_KEY: KeySpec = { first: 1, last: 1, step: 1 };

/** Makes a command that is always a single call, so that a pipeline can send several as one batch. */
export function calls(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  single: (args: readonly Buffer[], keyspace: Keyspace) => SingleCall,
): Command {
  return {
    name,
    arity,
    flags,
    keys: FIRST_KEY,
    single,
    run: (args, { keyspace }) => runCall(single(args, keyspace), keyspace),
  };
}

/**
 * Makes a command that reads a pair.
 *
 * @param answer makes the reply; null stands for an absent key
 */
export function reads(
  name: string,
  arity: number,
  answer: (entry: Entry | null, args: readonly Buffer[]) => Reply,
): Command {
  return calls(name, arity, ['readonly', 'fast'], (args, keyspace) => ({
    kind: 'fetch',
    item: keyspace.key(at(args, 0)),
    answer: (outcome) => answer(entryOf(outcome), args),
  }));
}

/**
 * Makes a command that makes a pair from what it was.
 *
 * @param prepare reads the arguments, and returns the function that is applied to the pair
 */
export function updates(
  name: string,
  arity: number,
  flags: readonly CommandFlag[],
  prepare: (args: readonly Buffer[], keyspace: Keyspace) => MakeChange<Reply>,
): Command {
  return {
    name,
    arity,
    flags: ['write', ...flags],
    keys: FIRST_KEY,
    run: (args, { keyspace }) => keyspace.update(keyspace.key(at(args, 0)), prepare(args, keyspace)),
  };
}

export function keep(result: Reply): Change<Reply> {
  return { kind: 'keep', result };
}
