import { RedisError } from './reply.js';

it('keeps the prefix of an error apart from its text and keeps the cause', () => {
  const cause = new Error('the engine is away');
  const error = new RedisError('WRONGTYPE', 'Operation against a key', { cause });
  expect({ prefix: error.prefix, message: error.message, cause: error.cause }).toEqual({
    prefix: 'WRONGTYPE',
    message: 'Operation against a key',
    cause,
  });
});
