import { RedisError } from '../reply.js';

/** Returns an option in upper case. */
export function wordOf(arg: Buffer | undefined): string {
  return arg?.toString('latin1').toUpperCase() ?? '';
}

/**
 * @param complaint the message for an argument that is no integer
 * @throws RedisError
 */
export function integerOf(
  arg: Buffer | undefined,
  complaint = 'value is not an integer or out of range',
): number {
  const text = arg?.toString('latin1') ?? '';
  if (/^(0|-?[1-9]\d{0,14})$/.test(text)) return Number(text);
  throw new RedisError('ERR', complaint);
}

export function syntaxError(): RedisError {
  return new RedisError('ERR', 'syntax error');
}
