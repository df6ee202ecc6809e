import {
  keyFromId,
  keyId,
  whenDone,
  type Key,
  type KeyId,
  type Limits,
  type MaybePromise,
} from '@kvs/protocol';
import { keysOf, type Command, type CommandContext, type CommandQueue } from '../command.js';
import { discarded, errorReply, isRepeated, MAYBE_APPLIED } from '../failures.js';
import { fetchVersions, type Keyspace } from '../keyspace/index.js';
import { WatchedKeyChanged, WatchedOperations } from '../keyspace/watched-operations.js';
import { NULL_ARRAY, OK, RedisError, SimpleString, sizeOf, type Reply } from '../reply.js';
import { settle } from '../settle.js';
import { inSlices } from '../time-slices.js';
import type { WatchedVersions } from '../watched-keys.js';

/** The commands between MULTI and EXEC. */
export class Transaction implements CommandQueue {
  readonly #commands: { readonly command: Command; readonly args: readonly Buffer[] }[] = [];
  readonly #maxBytes: number;
  readonly #maxKeys: number;
  #bytes = 0;
  #keyCount = 0;
  /** The first error of a command that was not added. */
  #refusal: RedisError | undefined;

  constructor({ maxBodyBytes, maxBatchItems }: Limits) {
    this.#maxBytes = maxBodyBytes;
    // EXEC takes all keys in one go, so it has no more of them than a single command.
    this.#maxKeys = 2 * maxBatchItems;
  }

  get length(): number {
    return this.#commands.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isRead(): boolean {
    return this.#commands.every(({ command }) => !command.flags.includes('write'));
  }

  get keys(): readonly Buffer[] {
    return this.#commands.flatMap(({ command, args }) => keysOf(command, args));
  }

  add(command: Command, args: readonly Buffer[]): Reply {
    if (this.#refusal !== undefined) return QUEUED;
    this.#bytes += args.reduce((sum, arg) => sum + arg.length + ARGUMENT_BYTES, COMMAND_BYTES);
    this.#keyCount += keysOf(command, args).length;
    if (this.#bytes > this.#maxBytes) return this.#refuseMore(`${this.#maxBytes} bytes`);
    if (this.#keyCount > this.#maxKeys) return this.#refuseMore(`${this.#maxKeys} keys`);
    this.#commands.push({ command, args: args.map((arg) => Buffer.from(arg)) });
    return QUEUED;
  }

  refuse(error: RedisError): void {
    this.#refusal ??= error;
    this.#commands.length = 0;
  }

  #refuseMore(limit: string): RedisError {
    const error = new RedisError('ERR', `a transaction has at most ${limit}`);
    this.refuse(error);
    return error;
  }

  /** Runs the commands while no other command of this process uses their keys. */
  run(context: CommandContext, watched: WatchedVersions): MaybePromise<Reply> {
    // ioredis passes over PREVIOUS_ERRORS, and repeats a transaction whose other errors are all alike.
    if (this.#refusal !== undefined)
      throw watched.size > 0 && isRepeated(this.#refusal) ? discarded(this.#refusal) : PREVIOUS_ERRORS;
    const { keyspace } = context;
    const keys = [...this.#usableKeys(keyspace), ...Array.from(watched.keys(), keyFromId)];
    return keyspace.exclusively(keys, (own) =>
      whenDone(hasSameVersions(watched, own), (isUnchanged) =>
        isUnchanged ? this.#runWatched({ ...context, keyspace: own }, watched) : NULL_ARRAY,
      ),
    );
  }

  /** Runs the commands, and none after one that finds that somebody else has just written a watched key. */
  #runWatched(context: CommandContext, watched: WatchedVersions): MaybePromise<Reply> {
    if (watched.size === 0) return this.#runAll(context);
    const operations = new WatchedOperations(context.keyspace, watched);
    const fail = (error: unknown): Reply => {
      if (!(error instanceof WatchedKeyChanged)) throw error;
      return operations.hasWritten ? WRITTEN_IN_PART : NULL_ARRAY;
    };
    const keyspace = context.keyspace.over(operations);
    return settle<Reply, Reply>(
      () => this.#runAll({ ...context, keyspace }),
      (replies) => replies,
      fail,
    );
  }

  #usableKeys(keyspace: Keyspace): Key[] {
    return this.keys.flatMap((bytes) => {
      try {
        return [keyspace.key(bytes)];
      } catch {
        return []; // The command fails with the same error.
      }
    });
  }

  #runAll(context: CommandContext): MaybePromise<readonly Reply[]> {
    const replies = new Replies(context.keyspace.limits.maxAnswerBytes);
    const done = inSlices(this.#commands, ({ command, args }) => {
      if (replies.isFull) return replies.add(replies.refusal);
      return whenDone(attempt(command, args, context), (reply) => replies.add(reply));
    });
    return whenDone(done, () => replies.all);
  }
}

/** The replies of a transaction. Once they take too much for an answer, the commands that follow are not run. */
class Replies {
  readonly refusal: RedisError;
  readonly #all: Reply[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.refusal = new RedisError(
      'ERR',
      `the replies before take more than ${maxBytes} bytes; this did not run`,
    );
  }

  get all(): readonly Reply[] {
    return this.#all;
  }

  get isFull(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  add(reply: Reply): void {
    this.#all.push(reply);
    this.#bytes += sizeOf(reply);
  }
}

const MULTI: Command = {
  name: 'multi',
  arity: 1,
  flags: ['fast', 'noscript'],
  inMulti: 'runs',
  run: (_args, { client, keyspace }) => {
    if (client.queue !== undefined) throw new RedisError('ERR', 'MULTI calls can not be nested');
    client.queue = new Transaction(keyspace.limits);
    return OK;
  },
};

const EXEC: Command = {
  name: 'exec',
  arity: 1,
  // Each of its commands says for itself what it does.
  flags: ['noscript'],
  inMulti: 'runsQueue',
  run: (_args, context) => {
    const { queue, watched } = context.client;
    if (!(queue instanceof Transaction)) throw new RedisError('ERR', 'EXEC without MULTI');
    return queue.run(context, watched.versions);
  },
};

const DISCARD: Command = {
  ...MULTI,
  name: 'discard',
  run: (_args, { client }) => {
    if (client.queue === undefined) throw new RedisError('ERR', 'DISCARD without MULTI');
    client.queue = undefined;
    client.watched.clear();
    return OK;
  },
};

const WATCH: Command = {
  name: 'watch',
  arity: -2,
  flags: ['fast', 'noscript'],
  keys: { first: 1, last: -1, step: 1 },
  inMulti: 'runs',
  run: (args, { client, keyspace }) => {
    if (client.queue !== undefined) throw new RedisError('ERR', 'WATCH inside MULTI is not allowed');
    const { versions: watched } = client.watched;
    const ids = new Set(args.map((bytes) => keyId(keyspace.key(bytes))));
    // The first version of a key counts.
    const added = [...ids].filter((id) => !watched.has(id));
    const { maxBatchItems } = keyspace.limits;
    if (watched.size + added.length > maxBatchItems)
      throw new RedisError('ERR', `a client watches at most ${maxBatchItems} keys`);
    return whenDone(versionsOf(added, keyspace), (versions) => {
      client.watched.add(versions);
      return OK;
    });
  },
};

const UNWATCH: Command = {
  name: 'unwatch',
  arity: 1,
  flags: ['fast', 'noscript'],
  run: (_args, { client }) => {
    client.watched.clear();
    return OK;
  },
};

export const TRANSACTION_COMMANDS: readonly Command[] = [MULTI, EXEC, DISCARD, WATCH, UNWATCH];

function versionsOf(ids: readonly KeyId[], keyspace: Keyspace): MaybePromise<WatchedVersions> {
  return whenDone(
    fetchVersions(keyspace, ids.map(keyFromId)),
    (versions) => new Map(ids.map((id, i) => [id, versions[i] ?? 0])),
  );
}

function hasSameVersions(watched: WatchedVersions, keyspace: Keyspace): MaybePromise<boolean> {
  return whenDone(versionsOf([...watched.keys()], keyspace), (versions) =>
    [...watched].every(([id, version]) => versions.get(id) === version),
  );
}

/** The failure of a command is its reply, and the commands after it run. */
function attempt(command: Command, args: readonly Buffer[], context: CommandContext): MaybePromise<Reply> {
  return settle(
    () => command.run(args, context),
    (reply) => reply,
    failureOf,
  );
}

/** @throws the error itself if it is no failure of the command */
function failureOf(error: unknown): Reply {
  const reply = errorReply(error);
  if (reply === undefined) throw error;
  return reply;
}

const QUEUED = new SimpleString('QUEUED');
const PREVIOUS_ERRORS = new RedisError('EXECABORT', 'Transaction discarded because of previous errors.');
const WRITTEN_IN_PART = new RedisError(
  MAYBE_APPLIED,
  'somebody else wrote a watched key after this transaction had written',
);
/** About how many bytes commands and arguments take besides their own. */
const COMMAND_BYTES = 128;
const ARGUMENT_BYTES = 96;
