import { at, number } from '../arguments.js';
import type { Command, CommandContext } from '../command.js';
import { OK, RedisError, type Reply } from '../reply.js';
import { commandOf } from '../subcommands.js';

/** Small commands that tools and drivers send. */
export const TOOL_COMMANDS: readonly Command[] = [
  { name: 'time', arity: 1, flags: ['loading', 'stale', 'fast'], run: time },
  { name: 'wait', arity: 3, flags: ['noscript'], run: wait },
  // kvs keeps no such logs; its metrics have the durations of requests.
  commandOf('slowlog', ['admin', 'loading', 'stale'], {
    get: { arity: -2, run: slowlog },
    len: { arity: 2, run: () => 0 },
    reset: { arity: 2, run: () => OK },
  }),
  commandOf('latency', ['admin', 'noscript', 'loading', 'stale'], {
    history: { arity: 3, run: () => [] },
    latest: { arity: 2, run: () => [] },
    reset: { arity: -2, run: () => 0 },
  }),
];

function time(_: readonly Buffer[], { server }: CommandContext): Reply {
  const micros = server.nowMicros();
  return [String(Math.floor(micros / MICROS_PER_SECOND)), String(micros % MICROS_PER_SECOND)];
}

function slowlog([count, ...more]: readonly Buffer[]): Reply {
  if (more.length > 0)
    return new RedisError(
      'ERR',
      "unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.",
    );
  const complaint = 'count should be greater than or equal to -1';
  return count !== undefined && number(count, complaint) < -1 ? new RedisError('ERR', complaint) : [];
}

/** A write is answered when all in-sync copies have it, so there is nothing to wait for. */
function wait(args: readonly Buffer[], { server }: CommandContext): Reply {
  number(at(args, 0));
  const isNegative = number(at(args, 1), 'timeout is not an integer or out of range') < 0;
  return isNegative ? new RedisError('ERR', 'timeout is negative') : server.otherCopies();
}

const MICROS_PER_SECOND = 1_000_000;
