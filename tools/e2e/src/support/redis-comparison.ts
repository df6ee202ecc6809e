import assert from 'node:assert/strict';
import fc from 'fast-check';
import { comparable } from './redis-differences.js';
import { runSequence, sequences } from './redis-sequences.js';
import { RespClient } from './resp-client.js';

/**
 * Sends sequences of commands to redis-server and to a server of kvs, and throws if the replies differ.
 *
 * @param count how many sequences
 */
export async function compareWithRedis(
  port: number,
  redisPort: number,
  protocol: 2 | 3,
  count: number,
): Promise<void> {
  const [ours, theirs] = [await clientsOf(port, protocol), await clientsOf(redisPort, protocol)];
  try {
    await fc.assert(
      fc.asyncProperty(sequences, async (sequence) => {
        const [actual, expected] = await Promise.all([
          runSequence(ours, sequence),
          runSequence(theirs, sequence),
        ]);
        assert.deepEqual(comparable(actual, sequence), comparable(expected, sequence));
      }),
      { numRuns: count },
    );
  } finally {
    for (const client of [...ours, ...theirs]) client.close();
  }
}

async function clientsOf(port: number, protocol: 2 | 3): Promise<readonly [RespClient, RespClient]> {
  return [await RespClient.open(port, protocol), await RespClient.open(port, protocol)];
}
