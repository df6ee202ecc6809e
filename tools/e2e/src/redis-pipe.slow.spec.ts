import { describeWithTools, RedisProcess } from '@kvs/kv-store-redis/testing';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, workspaceRoot } from '@kvs-tools/local-cluster';
import { startNode } from './support/cluster.js';
import { RespClient } from './support/resp-client.js';

/** Returns the program and arguments of the script of docs/redis.md, which finds its packages from the root of the workspace. */
async function copyCommand(url: string): Promise<string[]> {
  const document = await readFile(join(workspaceRoot, 'docs/redis.md'), 'utf8');
  const script = /```js\n(\/\/ copy\.mjs[\s\S]*?)```/.exec(document)?.[1];
  if (script === undefined) throw new Error('docs/redis.md has no script');
  return [process.execPath, '--input-type=module', '-e', script, 'copy.mjs', url];
}

describeWithTools(['redis-server', 'redis-cli'], 'the file that the script of docs/redis.md makes', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kvs-pipe-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('takes strings from Redis to kvs, and back', async () => {
    const [redis, other, node] = await Promise.all([
      RedisProcess.start(),
      RedisProcess.start(),
      startNode(['--redis-port', 'auto']),
    ]);
    const [source, target] = [await RespClient.open(redis.port, 2), await RespClient.open(other.port, 2)];
    try {
      const bytes = Buffer.from([0, 255, 10, 13, 10, 36]);
      const expiresAt = `${Date.now() + 3_600_000}`;
      await source.ask([
        ['MSET', ...Array.from({ length: 100 }, (_, i) => [`key-${i}`, `n\u00e9 ${i}`]).flat()],
        ['SET', bytes, bytes, 'PXAT', expiresAt],
        ['SET', 'empty', ''],
      ]);
      const kvs = await node.redisPort();
      const file = join(directory, 'pairs.resp');
      for (const [from, to] of [
        [redis.port, kvs],
        [kvs, other.port],
      ]) {
        const shell = `"\${@:2}" > "$1" && redis-cli -p ${to} --pipe < "$1"`;
        const command = await copyCommand(`redis://localhost:${from}`);
        const { code, stdout, stderr } = await run('bash', ['-c', shell, 'bash', file, ...command]);
        expect([code, stderr, stdout]).toEqual([0, '', expect.stringMatching(/errors: 0, replies: 102\n$/)]);
      }
      const asked = [['GET', 'key-42'], ['GET', bytes], ['PEXPIRETIME', bytes], ['GET', 'empty'], ['DBSIZE']];
      expect(await target.ask(asked)).toEqual(await source.ask(asked));
    } finally {
      for (const client of [source, target]) client.close();
      await Promise.all([redis.stop(), other.stop(), node.kill()]);
    }
  });
});
