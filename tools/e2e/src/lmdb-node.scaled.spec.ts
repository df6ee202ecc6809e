import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, startNode, storageNodeScript } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-e2e-lmdb-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Each start after a kill waits for the lock of the directory. The test of the engine kills more often. */
const KILLS = process.env['KVS_SLOW_TESTS'] === undefined ? 1 : 3;

it('a node that is killed during writes keeps every acknowledged write completely', async () => {
  const writers = ['a', 'b', 'c'].map((name) => new Writer(name));
  const node = await startNode(['--engine', 'lmdb', '--data-dir', join(directory, 'killed')]);
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const rounds = 11 + 10 * kill;
      let acknowledged = 0;
      await Promise.all(
        writers.map((writer) =>
          writer.writeUntilItBreaks(node.origin, () => {
            if (++acknowledged === rounds) node.signal('SIGKILL');
          }),
        ),
      );
      await node.kill();
      await node.restart();
      for (const writer of writers) await writer.check(node.origin);
    }
  } finally {
    await node.kill();
  }
});

/** Writes the same four keys in each round. Every value consists of the number of its round. */
class Writer {
  readonly #keys: readonly ReturnType<typeof string>[];
  #acknowledged = -1;

  constructor(name: string) {
    this.#keys = ['a', 'b', 'c', 'd'].map((key) => string(`${name}/${key}`));
  }

  async writeUntilItBreaks(origin: string, wrote: () => void): Promise<void> {
    for (;;) {
      const round = this.#acknowledged + 1;
      const body = this.#keys.map((key, item) => ({ key, value: string(valueOf(round, item)) }));
      const answer = await send('PUT', `${origin}/set`, { body }).catch(() => undefined);
      if (answer === undefined) return;
      expect(answer.status).toBe(200);
      this.#acknowledged = round;
      wrote();
    }
  }

  /** Items of the round that was in flight may be stored or not. */
  async check(origin: string): Promise<void> {
    const { json } = await send('POST', `${origin}/fetch`, { body: this.#keys });
    const values = (json as { value: { data: string } | null }[]).map(({ value }) => value?.data);
    const rounds = [this.#acknowledged, this.#acknowledged + 1];
    for (const [item, value] of values.entries()) {
      const allowed = rounds.map((round) => (round < 0 ? undefined : valueOf(round, item)));
      if (!allowed.includes(value)) throw new Error(`expected round ${rounds.join(' or ')}, not ${value}`);
    }
  }
}

/** Some have a few bytes, others need many pages. */
function valueOf(round: number, item: number): string {
  return `${round} `.repeat(1 + ((round * 131 * item) % 3000));
}

// A limit on the size of files acts like a full disk: both refuse the write that makes the file larger. Windows has no
// such limit, so the test is skipped there.
const limitsFiles = process.platform !== 'win32';
(limitsFiles ? it : it.skip)(
  'a node whose disk is full answers 507, loses nothing, and still reads',
  async () => {
    const node = new Command('sh', [
      '-c',
      'ulimit -f 16384; exec "$0" "$@"',
      process.execPath,
      storageNodeScript,
      ...['localhost', '0', '--engine', 'lmdb', '--data-dir', join(directory, 'data')],
    ]);
    try {
      const [, origin = ''] = await node.until(/listening on (http:\/\/[^\s"]+)/);
      const held: string[] = [];
      let status = 200;
      let text = '';
      for (let at = 0; status === 200; at++) {
        const body = [{ key: string(`${at}`), value: string(`${at} `.repeat(30_000)) }];
        ({ status, text } = await send('PUT', `${origin}/set`, { body }));
        if (status === 200) held.push(`${at}`);
      }
      expect([status, text]).toEqual([507, expect.stringContaining('out_of_memory')]);
      expect(held.length).toBeGreaterThan(20);
      for (const key of held) {
        const read = await send('GET', `${origin}/keys/${key}`);
        expect([read.status, read.text === `${key} `.repeat(30_000)]).toEqual([200, true]);
      }
      const gone = held.slice(0, 10);
      for (const key of gone) {
        const deleted = await send('POST', `${origin}/delete`, { body: [string(key)] });
        expect(deleted.status).toBe(200);
      }
      const again = [{ key: string('again'), value: string('v') }];
      expect((await send('PUT', `${origin}/set`, { body: again })).status).toBe(200);
      node.signal('SIGTERM');
      expect((await node.finished).code).toBe(0);
    } finally {
      node.destroy();
    }
  },
);
