import { addIntegers, lifeOf, parseInteger, stringValue, type Entry, type Integer } from '@kvs/protocol';
import { at, integer, notAnInteger } from '../arguments.js';
import type { Command } from '../command.js';
import { bytesOf } from '../keyspace/data.js';
import { RedisError } from '../reply.js';
import { addDecimals, isTooLarge, parseDecimal, writeDecimal, type Decimal } from './decimal.js';
import { updates } from './one-key.js';

const INCRBYFLOAT = updates('incrbyfloat', 3, ['denyoom', 'fast'], (args) => {
  const by = readFloat(at(args, 1).toString('latin1'));
  return (entry) => {
    const present = entry === null ? ZERO : readFloat(textOf(entry));
    const isFinite = present !== 'infinite' && by !== 'infinite';
    const sum = isFinite ? addDecimals(present, by) : undefined;
    if (sum === undefined || isTooLarge(sum))
      throw new RedisError('ERR', 'increment would produce NaN or Infinity');
    const text = writeDecimal(sum);
    return { kind: 'write', value: stringValue(text), ...lifeOf(entry), result: text };
  };
});

export const COUNTER_COMMANDS: readonly Command[] = [
  counter('incr', 2, () => 1),
  counter('decr', 2, () => -1),
  counter('incrby', 3, (args) => integer(at(args, 1))),
  counter('decrby', 3, (args) => negated(integer(at(args, 1)))),
  INCRBYFLOAT,
];

function counter(name: string, arity: number, readBy: (args: readonly Buffer[]) => Integer): Command {
  return updates(name, arity, ['denyoom', 'fast'], (args) => {
    const by = readBy(args);
    return (entry) => {
      const present = entry === null ? 0 : parseInteger(textOf(entry));
      if (present === undefined) throw notAnInteger();
      const sum = addIntegers(present, by);
      if (sum === undefined) throw new RedisError('ERR', 'increment or decrement would overflow');
      return { kind: 'write', value: stringValue(String(sum)), ...lifeOf(entry), result: sum };
    };
  });
}

function negated(by: Integer): Integer {
  const negative = addIntegers(0, typeof by === 'number' ? -by : -by);
  if (negative === undefined) throw new RedisError('ERR', 'decrement would overflow');
  return negative;
}

function readFloat(text: string): Decimal | 'infinite' {
  if (INFINITE.test(text)) return 'infinite';
  const decimal = parseDecimal(text);
  if (decimal === undefined) throw new RedisError('ERR', 'value is not a valid float');
  return decimal;
}

/** Returns the value as a text, for numbers. Other values may come out wrong, and are no numbers then either. */
function textOf({ value }: Entry): string {
  return value.encoding === 'string' ? value.data : bytesOf(value).toString('latin1');
}

const INFINITE = /^[+-]?inf(?:inity)?$/i;
const ZERO: Decimal = { digits: 0n, places: 0 };
