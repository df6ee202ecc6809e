import { systemClock } from '@kvs/kv-store';
import { keyFromId } from '@kvs/protocol';
import { LmdbEngine } from './lmdb-engine.js';
import { impatientScheduler } from '../test/impatient-scheduler.js';
import { runAndKill } from '../test/killed-process.js';
import { scratchDirectory } from '../test/scratch-directory.js';
import { seededRandom } from '../test/seeded-random.js';

const CRASHES = process.env['KVS_SLOW_TESTS'] === undefined ? 4 : 30;
const PARTITION = 3;
/** Other systems do not tell whether the machine was restarted, so each start has a new boot id. */
const isLinux = process.platform === 'linux';
const seed = Number(process.env['KVS_SEED'] ?? Date.now() % 2 ** 31);

it(`a position is that of the pairs after kill -9 at any moment, ${CRASHES} times (KVS_SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  const scratch = scratchDirectory();
  const bootIds = new Set<string>();
  try {
    for (let crash = 1; crash <= CRASHES; crash++) {
      const lines = await runAndKill('replicating-writer.mjs', [scratch.path], 1 + random(30), random(4000));
      const { bootId, starts } = await check(scratch.path, Number(lines.at(-1)));
      // Each crash is one start of the writer and one of the check.
      expect(starts).toBe(isLinux ? 2 * crash : 1);
      bootIds.add(bootId);
    }
    expect(bootIds.size).toBe(isLinux ? 1 : CRASHES);
  } finally {
    scratch.remove();
  }
});

async function check(directory: string, acknowledged: number): Promise<{ bootId: string; starts: number }> {
  const engine = await LmdbEngine.open({ directory, clock: systemClock, scheduler: impatientScheduler });
  try {
    const identity = await engine.replication.start();
    const { number } = engine.replication.position(PARTITION);
    expect(number).toBeGreaterThanOrEqual(acknowledged);
    const written: number[] = [];
    for await (const { pairs } of engine.scan([PARTITION]))
      written.push(...pairs.map(({ id }) => Number(keyFromId(id).data)));
    expect(written.sort((a, b) => a - b)).toEqual(Array.from({ length: number }, (_, index) => index + 1));
    return identity;
  } finally {
    await engine.close();
  }
}
