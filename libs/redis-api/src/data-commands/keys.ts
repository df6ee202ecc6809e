import { keyId, parseInteger, whenDone, type Entry, type Key, type MaybePromise } from '@kvs/protocol';
import { at, database, integer, syntaxError, word } from '../arguments.js';
import type { Command, CommandContext, ServerView } from '../command.js';
import { afterWrite } from '../failures.js';
import { lengthOf } from '../keyspace/data.js';
import type { Keyspace } from '../keyspace/index.js';
import { isPresent, wasDeleted } from '../keyspace/keyspace.js';
import { OK, RedisError, SimpleString, type Reply } from '../reply.js';
import { commandOf, type Subcommand } from '../subcommands.js';
import { calls } from './one-key.js';

const ALL_KEYS = { first: 1, last: -1, step: 1 } as const;
const TWO_KEYS = { first: 1, last: 2, step: 1 } as const;
const SECOND_ARGUMENT = { first: 2, last: 2, step: 1 } as const;

const TYPE = calls('type', 2, ['readonly', 'fast'], (args, keyspace) => ({
  kind: 'query',
  item: keyspace.key(at(args, 0)),
  answer: (outcome) => new SimpleString(isPresent(outcome) ? 'string' : 'none'),
}));

const RENAME: Command = {
  name: 'rename',
  arity: 3,
  // In Redis, a rename needs no memory. Here it writes the pair to its new key first.
  flags: ['write', 'denyoom'],
  keys: TWO_KEYS,
  run: (args, context) => whenDone(rename(args, context, true), () => OK),
};

const RENAMENX: Command = {
  ...RENAME,
  name: 'renamenx',
  flags: ['write', 'denyoom', 'fast'],
  run: (args, context) => whenDone(rename(args, context, false), (isDone) => (isDone ? 1 : 0)),
};

const COPY: Command = {
  name: 'copy',
  arity: -3,
  flags: ['write', 'denyoom'],
  keys: TWO_KEYS,
  run: (args, { keyspace, server }) => {
    const replaces = readCopyOptions(args.slice(2), server);
    const [from, to] = [keyspace.key(at(args, 0)), keyspace.key(at(args, 1))];
    if (at(args, 0).equals(at(args, 1)))
      throw new RedisError('ERR', 'source and destination objects are the same');
    return keyspace.exclusively([from, to], (own) =>
      whenDone(own.get(from), (entry) =>
        entry === null ? 0 : whenDone(write(own, to, entry, replaces), (isDone) => (isDone ? 1 : 0)),
      ),
    );
  },
};

/** There is no count of uses in kvs. A pair is always one object that was just used. */
const OBJECT: Command = {
  ...commandOf('object', ['readonly'], {
    encoding: tells(encodingOf),
    freq: tells(refuseFrequency),
    idletime: tells(() => 0),
    refcount: tells(() => 1),
  }),
  keys: SECOND_ARGUMENT,
};

const MEMORY: Command = {
  ...commandOf('memory', ['readonly'], {
    usage: {
      arity: -3,
      run(args, { keyspace }) {
        for (let i = 1; i < args.length; i += 2) {
          const count = args[i + 1];
          if (count === undefined || word(at(args, i)) !== 'samples') throw syntaxError();
          if (integer(count) < 0) throw syntaxError();
        }
        const key = keyspace.key(at(args, 0));
        return whenDone(keyspace.get(key), (entry) =>
          entry === null ? null : lengthOf(key) + lengthOf(entry.value) + PAIR_BYTES,
        );
      },
    },
  }),
  keys: SECOND_ARGUMENT,
};

export const KEY_COMMANDS: readonly Command[] = [
  deletes('del', []),
  deletes('unlink', ['fast']),
  counts('exists'),
  counts('touch'),
  TYPE,
  RENAME,
  RENAMENX,
  COPY,
  OBJECT,
  MEMORY,
];

function deletes(name: string, flags: Command['flags']): Command {
  return {
    name,
    arity: -2,
    flags: ['write', ...flags],
    keys: ALL_KEYS,
    single: (args, keyspace) =>
      args.length > 1
        ? undefined
        : {
            kind: 'delete',
            item: { key: keyspace.key(at(args, 0)) },
            answer: (outcome) => (wasDeleted(outcome) ? 1 : 0),
          },
    run: (args, { keyspace }) => {
      const keys = args.map((key) => keyspace.key(key));
      return keyspace.delete([...new Map(keys.map((key) => [keyId(key), key])).values()]);
    },
  };
}

/** A key that comes twice counts twice. */
function counts(name: string): Command {
  return {
    name,
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: ALL_KEYS,
    single: (args, keyspace) =>
      args.length > 1
        ? undefined
        : {
            kind: 'query',
            item: keyspace.key(at(args, 0)),
            answer: (outcome) => (isPresent(outcome) ? 1 : 0),
          },
    run: (args, { keyspace }) => {
      const answer = keyspace.has(args.map((key) => keyspace.key(key)));
      return whenDone(answer, (present) => present.filter(Boolean).length);
    },
  };
}

/** Returns whether the pair has its new key: false if that is taken and must not be replaced. */
function rename(
  args: readonly Buffer[],
  { keyspace }: CommandContext,
  replaces: boolean,
): MaybePromise<boolean> {
  const [from, to] = [keyspace.key(at(args, 0)), keyspace.key(at(args, 1))];
  return keyspace.exclusively([from, to], (own) =>
    whenDone(own.get(from), (entry) => {
      if (entry === null) throw new RedisError('ERR', 'no such key');
      if (at(args, 0).equals(at(args, 1))) return replaces;
      return whenDone(write(own, to, entry, replaces), (isDone) =>
        isDone
          ? whenDone(
              afterWrite(() => removeMoved(own, from, to, entry)),
              () => true,
            )
          : false,
      );
    }),
  );
}

/** Deletes a pair that has its new key now. If somebody else has just written it, that value goes to the new key first. */
function removeMoved(keyspace: Keyspace, from: Key, to: Key, { version }: Entry): MaybePromise<void> {
  return whenDone(keyspace.deleteIf(from, version), (isDeleted) => {
    if (isDeleted) return;
    return whenDone(keyspace.get(from), (entry) => {
      if (entry === null) return;
      return whenDone(write(keyspace, to, entry, true), () => removeMoved(keyspace, from, to, entry));
    });
  });
}

/** Writes the value and the time to live of a pair to another key. Returns false if that is taken. */
function write(keyspace: Keyspace, key: Key, entry: Entry, replaces: boolean): MaybePromise<boolean> {
  const { value, expiresAtMs } = entry;
  return keyspace.setIf({
    key,
    value,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(!replaces && { ifVersion: 0 }),
  });
}

/** Returns whether COPY replaces its destination. */
function readCopyOptions(options: readonly Buffer[], { isCluster }: ServerView): boolean {
  let replaces = false;
  let isElsewhere = false;
  for (let i = 0; i < options.length; i++) {
    const option = word(at(options, i));
    if (option === 'replace') replaces = true;
    else if (option === 'db' && options[i + 1] !== undefined) {
      i++;
      const number = database(at(options, i));
      if (number < 0 || (number > 0 && !isCluster)) throw new RedisError('ERR', 'DB index is out of range');
      if (number > 0) isElsewhere = true;
    } else throw syntaxError();
  }
  if (isElsewhere) throw new RedisError('ERR', 'Copying to another database is not allowed in cluster mode');
  return replaces;
}

/** Makes a subcommand of OBJECT. */
function tells(tell: (entry: Entry) => Reply): Subcommand {
  return {
    arity: 3,
    run: (args, { keyspace }) =>
      whenDone(keyspace.get(keyspace.key(at(args, 0))), (entry) => (entry === null ? null : tell(entry))),
  };
}

function refuseFrequency(): RedisError {
  return new RedisError(
    'ERR',
    'An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
  );
}

function encodingOf({ value }: Entry): string {
  const bytes = lengthOf(value);
  if (bytes <= MAX_INTEGER_BYTES && value.encoding === 'string' && parseInteger(value.data) !== undefined)
    return 'int';
  return bytes <= MAX_EMBEDDED_BYTES ? 'embstr' : 'raw';
}

/** About what a pair takes besides its bytes. */
const PAIR_BYTES = 32;
const MAX_INTEGER_BYTES = 20;
/** The longest text that Redis calls embedded. */
const MAX_EMBEDDED_BYTES = 44;
