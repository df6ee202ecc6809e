import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { run, workspaceRoot } from '@kvs-tools/local-cluster';
import { startNode } from '../support/cluster.js';

/** Writes the script of docs/redis.md to a file from which it finds the packages of this tool. */
async function writeScript(): Promise<string> {
  const document = await readFile(join(workspaceRoot, 'docs/redis.md'), 'utf8');
  const script = /```js\n(\/\/ copy\.mjs[\s\S]*?)```/.exec(document)?.[1];
  if (script === undefined) throw new Error('docs/redis.md has no script');
  const file = join(import.meta.dirname, `copy-${process.pid}.mjs`);
  await writeFile(file, script);
  return file;
}

describeWithRedis('the script of docs/redis.md', () => {
  it('copies strings from Redis to kvs, and back', async () => {
    const [redis, other, node] = await Promise.all([
      RedisProcess.start(),
      RedisProcess.start(),
      startNode(['--redis-port', 'auto']),
    ]);
    const [source, target] = [new Redis(redis.url), new Redis(other.url)];
    const script = await writeScript();
    try {
      const bytes = Buffer.from([0, 255, 10]);
      const inHours = Date.now() + 3_600_000;
      for (let i = 0; i < 100; i++) await source.set(`key-${i}`, `${i}`);
      await source.set(bytes, bytes, 'PXAT', inHours);
      await source.lpush('list', '1');
      const kvs = `redis://localhost:${await node.redisPort()}`;
      for (const pair of [
        [redis.url, kvs],
        [kvs, other.url],
      ]) {
        const { code, stdout, stderr } = await run(process.execPath, [script, ...pair]);
        expect([code, stdout, stderr]).toEqual([0, 'copied 101 keys\n', '']);
      }
      expect([await target.get('key-42'), await target.dbsize()]).toEqual(['42', 101]);
      expect([await target.getBuffer(bytes), await target.pexpiretime(bytes)]).toEqual([bytes, inHours]);
    } finally {
      for (const client of [source, target]) client.disconnect();
      await Promise.all([redis.stop(), other.stop(), node.kill(), rm(script)]);
    }
  });
});
