import { parseInteger, type Integer } from '@kvs/protocol';
import { RedisError } from './reply.js';

/** Returns an argument that the arity of the command promises. */
export function at(args: readonly Buffer[], index: number): Buffer {
  const argument = args[index];
  if (argument === undefined) throw new TypeError(`a command has no argument ${index}`);
  return argument;
}

/** Returns whether a number of arguments, without the name, is right. */
export function hasArity(arity: number, args: number): boolean {
  return arity >= 0 ? args + 1 === arity : args + 1 >= -arity;
}

/** @param name in lower case, that of a subcommand as `client|setname` */
export function wrongArity(name: string): RedisError {
  return new RedisError('ERR', `wrong number of arguments for '${name}' command`);
}

/** Returns an option in lower case, for comparisons. */
export function word(argument: Buffer): string {
  return argument.toString('latin1').toLowerCase();
}

/**
 * @param complaint the message for an argument that is no integer of 64 bits
 * @throws RedisError
 */
export function integer(argument: Buffer, complaint = NOT_AN_INTEGER): Integer {
  const value = argument.length > MAX_INTEGER_BYTES ? undefined : parseInteger(argument.toString('latin1'));
  if (value === undefined) throw new RedisError('ERR', complaint);
  return value;
}

/** As {@link integer}, as a number: what is beyond the exact ones becomes an infinity. */
export function number(argument: Buffer, complaint?: string): number {
  const value = integer(argument, complaint);
  return typeof value === 'number' ? value : value < 0 ? -Infinity : Infinity;
}

/**
 * Returns the number of a database.
 *
 * @throws RedisError if it is no integer of 32 bits
 */
export function database(argument: Buffer): number {
  const value = number(argument);
  if (value >= MIN_INT32 && value <= MAX_INT32) return value;
  throw new RedisError('ERR', `value is out of range, value must between ${MIN_INT32} and ${MAX_INT32}`);
}

export function syntaxError(): RedisError {
  return new RedisError('ERR', 'syntax error');
}

export function notAnInteger(): RedisError {
  return new RedisError('ERR', NOT_AN_INTEGER);
}

const NOT_AN_INTEGER = 'value is not an integer or out of range';
const MAX_INTEGER_BYTES = 20;
const MIN_INT32 = -(2 ** 31);
const MAX_INT32 = 2 ** 31 - 1;
