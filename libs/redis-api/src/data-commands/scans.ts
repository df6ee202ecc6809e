import { randomInt } from 'node:crypto';
import { KvsError, PARTITION_COUNT, whenDone, type Key, type MaybePromise } from '@kvs/protocol';
import { at, number, syntaxError, word } from '../arguments.js';
import type { Command } from '../command.js';
import { ranInPart } from '../failures.js';
import { bulkOf, bytesOf, isNameable, listedBytes } from '../keyspace/data.js';
import type { Keyspace, KeysPage } from '../keyspace/index.js';
import { OK, RedisError, type Reply } from '../reply.js';
import { checkPatterns, Glob } from '../glob.js';
import { inSlices } from '../time-slices.js';

/** A cursor is the partition at which the next page begins. */
const SCAN: Command = {
  name: 'scan',
  arity: -2,
  flags: ['readonly'],
  run: async (args, { keyspace }) => {
    const cursor = readCursor(at(args, 0));
    const { pattern, count, type } = readOptions(args.slice(1));
    if (pattern !== undefined) checkPatterns([pattern], keyspace.limits);
    const glob = pattern && new Glob(pattern);
    if (cursor >= PARTITION_COUNT) return ['0', []];
    const select = (keys: readonly Key[]): MaybePromise<readonly Key[]> => {
      const wanted: Key[] = [];
      const done = inSlices(type === 'string' ? keys : [], (key) => {
        if (isWanted(key, glob)) wanted.push(key);
      });
      return whenDone(done, () => wanted);
    };
    const { keys, next = 0 } = await keyspace.page(cursor, Math.min(count, MAX_PAGE_KEYS), select);
    return [String(next), keys.map(bulkOf)];
  },
};

const KEYS: Command = {
  name: 'keys',
  arity: 2,
  flags: ['readonly'],
  run: async (args, { keyspace }) => {
    const pattern = at(args, 0);
    checkPatterns([pattern], keyspace.limits);
    const glob = new Glob(pattern);
    const { maxAnswerBytes } = keyspace.limits;
    const found: Reply[] = [];
    let bytes = 0;
    for await (const keys of keyspace.allKeys()) {
      await inSlices(keys, (key) => {
        if (!isWanted(key, glob)) return;
        bytes += listedBytes(key);
        found.push(bulkOf(key));
      });
      if (bytes > maxAnswerBytes)
        throw new KvsError('answer_too_large', `the keys take more than ${maxAnswerBytes} bytes; use SCAN`);
    }
    return found;
  },
};

/** Not every key is equally likely: those of partitions with few keys are likelier. */
const RANDOMKEY: Command = {
  name: 'randomkey',
  arity: 1,
  flags: ['readonly'],
  run: async (_args, { keyspace }) => {
    const key = (await draw(keyspace, randomInt(PARTITION_COUNT))) ?? (await draw(keyspace, 0));
    return key === undefined ? null : bulkOf(key);
  },
};

const DBSIZE: Command = {
  name: 'dbsize',
  arity: 1,
  flags: ['readonly', 'fast'],
  run: (_args, { keyspace }) => keyspace.count(),
};

export const SCAN_COMMANDS: readonly Command[] = [
  SCAN,
  KEYS,
  RANDOMKEY,
  DBSIZE,
  flush('flushdb'),
  flush('flushall'),
];

/** Deletes all keys, also those that this protocol cannot name. */
function flush(name: string): Command {
  return {
    name,
    arity: -1,
    flags: ['write'],
    run: async (args, { keyspace }) => {
      const [mode] = args;
      if (args.length > 1 || (mode !== undefined && word(mode) !== 'async' && word(mode) !== 'sync'))
        throw syntaxError();
      let hasDeleted = false;
      try {
        for await (const keys of keyspace.allKeys()) if ((await keyspace.delete(keys)) > 0) hasDeleted = true;
      } catch (error) {
        throw hasDeleted ? ranInPart(error) : error;
      }
      return OK;
    },
  };
}

/** Returns a key of the first page, from the given partition on, that has keys that can be named. Holds few keys at a time. */
async function draw(keyspace: Keyspace, from: number): Promise<Key | undefined> {
  let drawn: Key | undefined;
  let count = 0;
  // The last of n keys replaces the one before with a probability of 1/n. So all of them are equally likely in the end.
  const select = (keys: readonly Key[]): readonly Key[] => {
    for (const key of keys) if (isNameable(key) && randomInt(++count) === 0) drawn = key;
    return [];
  };
  for (let at: number | undefined = from; at !== undefined && drawn === undefined;) {
    const { next }: KeysPage = await keyspace.page(at, 1, select);
    at = next;
  }
  return drawn;
}

function isWanted(key: Key, glob: Glob | undefined): boolean {
  return isNameable(key) && (glob === undefined || glob.matches(bytesOf(key)));
}

/** Reads numbers as Redis does: as a cursor, -1 is 2^64 - 1. */
function readCursor(argument: Buffer): number {
  const text = argument.toString('latin1');
  const cursor = /^(?:[+-]?\d{1,20})?$/.test(text) ? BigInt(text) : undefined;
  if (cursor === undefined || cursor > MAX_CURSOR || cursor < -MAX_CURSOR)
    throw new RedisError('ERR', 'invalid cursor');
  return Number(BigInt.asUintN(64, cursor));
}

interface ScanOptions {
  readonly pattern: Buffer | undefined;
  readonly count: number;
  readonly type: string;
}

function readOptions(options: readonly Buffer[]): ScanOptions {
  let pattern: Buffer | undefined;
  let count = DEFAULT_COUNT;
  let type = 'string';
  for (let i = 0; i < options.length; i += 2) {
    const option = word(at(options, i));
    const argument = options[i + 1];
    if (argument === undefined) throw syntaxError();
    if (option === 'match') pattern = Buffer.from(argument);
    else if (option === 'type') type = word(argument);
    else if (option === 'count') count = number(argument);
    else throw syntaxError();
    if (count < 1) throw syntaxError();
  }
  return { pattern, count, type };
}

const MAX_CURSOR = 2n ** 64n - 1n;
const DEFAULT_COUNT = 10;
/** COUNT is a hint. A page is held in memory. */
const MAX_PAGE_KEYS = 10_000;
