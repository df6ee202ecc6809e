import { RedisError } from '../reply.js';

/** Returns an option in upper case. */
export function wordOf(arg: Buffer | undefined): string {
  return arg?.toString('latin1').toUpperCase() ?? '';
}

/** @throws RedisError */
export function integerOf(arg: Buffer | undefined): number {
  const text = arg?.toString('latin1') ?? '';
  if (/^(0|-?[1-9]\d{0,14})$/.test(text)) return Number(text);
  throw new RedisError('ERR', 'value is not an integer or out of range');
}

export function syntaxError(): RedisError {
  return new RedisError('ERR', 'syntax error');
}
