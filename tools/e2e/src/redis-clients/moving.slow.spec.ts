import { describeWithTools, RedisProcess } from '@kvs/kv-store-redis/testing';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, startNode, workspaceRoot } from '@kvs-tools/local-cluster';

/** Returns the program and arguments of the script of docs/redis.md, which finds its packages from the root of the workspace. */
async function copyCommand(): Promise<string[]> {
  const document = await readFile(join(workspaceRoot, 'docs/redis.md'), 'utf8');
  const script = /```js\n(\/\/ copy\.mjs[\s\S]*?)```/.exec(document)?.[1];
  if (script === undefined) throw new Error('docs/redis.md has no script');
  return [process.execPath, '--input-type=module', '-e', script, 'copy.mjs'];
}

const url = (port: number) => `redis://localhost:${port}`;
const viaFile = (to: number) =>
  `file=$(mktemp) && trap 'rm "$file"' EXIT && "$@" > "$file" && redis-cli -p ${to} --pipe < "$file"`;

describeWithTools(['redis-server', 'redis-cli'], 'the script of docs/redis.md', () => {
  it.each<[string, (copy: string[], from: number, to: number) => string[], RegExp]>([
    ['directly', (copy, from, to) => [...copy, url(from), url(to)], /^copied 101 keys\n$/],
    [
      'by a file of commands',
      (copy, from, to) => ['bash', '-c', viaFile(to), 'bash', ...copy, url(from)],
      /errors: 0, replies: 101\n$/,
    ],
  ])('copies strings from Redis to kvs, and back, %s', async (_, commandOf, report) => {
    const [redis, other, node] = await Promise.all([
      RedisProcess.start(),
      RedisProcess.start(),
      startNode(['--redis-port', 'auto']),
    ]);
    try {
      const bytes = Buffer.from([0, 255, 10, 13, 10, 36]);
      const inHours = Date.now() + 3_600_000;
      await redis.admin.mset(Array.from({ length: 99 }, (_, i) => [`key-${i}`, `n\u00e9 ${i}`]).flat());
      await redis.admin.set(bytes, bytes, 'PXAT', inHours);
      await redis.admin.set('empty', '');
      await redis.admin.lpush('list', '1');
      const copy = await copyCommand();
      const kvs = await node.redisPort();
      for (const [from, to] of [
        [redis.port, kvs],
        [kvs, other.port],
      ] as const) {
        const [program = '', ...args] = commandOf(copy, from, to);
        const { code, stdout, stderr } = await run(program, args);
        expect([code, stderr, stdout]).toEqual([0, '', expect.stringMatching(report)]);
      }
      const target = other.admin;
      expect([await target.get('key-42'), await target.get('empty')]).toEqual(['n\u00e9 42', '']);
      expect([await target.getBuffer(bytes), await target.pexpiretime(bytes)]).toEqual([bytes, inHours]);
      expect(await target.dbsize()).toBe(101);
    } finally {
      await Promise.all([redis.stop(), other.stop(), node.kill()]);
    }
  });

  it('names the keys that kvs refuses, and copies the others', async () => {
    const [redis, node] = await Promise.all([RedisProcess.start(), startNode(['--redis-port', 'auto'])]);
    try {
      const long = 'k'.repeat(5000);
      await redis.admin.mset('', 'v', 'large', 'x'.repeat(9 * 2 ** 20), long, 'v', 'a', 'v', 'b', 'v');
      const [program = '', ...args] = [
        ...(await copyCommand()),
        url(redis.port),
        url(await node.redisPort()),
      ];
      const { code, stdout, stderr } = await run(program, args);
      expect([code, stdout, stderr.split('\n').sort()]).toEqual([
        0,
        'copied 2 keys\n',
        [
          '',
          'not copied: : ERR a key has at least one byte',
          `not copied: ${long}: ERR a key has at most 4096 bytes`,
          'not copied: large: ERR Protocol error: invalid bulk length',
        ],
      ]);
    } finally {
      await Promise.all([redis.stop(), node.kill()]);
    }
  });
});
