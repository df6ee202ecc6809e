import { systemClock } from '@kvs/kv-store';
import { keyId, stringKey } from '@kvs/protocol';
import { LmdbEngine } from './lmdb-engine.js';
import { impatientScheduler } from '../test/impatient-scheduler.js';
import { runAndKill } from '../test/killed-process.js';
import { scratchDirectory } from '../test/scratch-directory.js';
import { seededRandom } from '../test/seeded-random.js';

const CRASHES = 50;
/** The stores run at the same time, because a process is slow to start. */
const LANES = 2;
const ITEMS = [0, 1, 2, 3];
const seed = Number(process.env['KVS_SEED'] ?? Date.now() % 2 ** 31);

interface Run {
  /** The last round that was acknowledged whole, and the versions of its items. */
  readonly round: number;
  readonly versions: readonly number[];
}

it(`acknowledged writes outlive kill -9 at any moment, ${CRASHES} times (KVS_SEED=${seed})`, async () => {
  await Promise.all(Array.from({ length: LANES }, (_, lane) => crashAgainAndAgain(seed + lane)));
});

async function crashAgainAndAgain(laneSeed: number): Promise<void> {
  const random = seededRandom(laneSeed);
  const scratch = scratchDirectory();
  try {
    let last: Run = { round: -1, versions: [0, 0, 0, 0] };
    for (let crash = 0; crash < CRASHES / LANES; crash++) {
      last = await writeAndKill(scratch.path, last.round + 1, 1 + random(30), random(4000));
      await check(scratch.path, last);
    }
  } finally {
    scratch.remove();
  }
}

/** Lets a process write until it has acknowledged `rounds` rounds, and for `micros` microseconds more. */
async function writeAndKill(
  directory: string,
  firstRound: number,
  rounds: number,
  micros: number,
): Promise<Run> {
  const lines = await runAndKill('writer.mjs', [directory, `${firstRound}`, 'commit'], rounds, micros);
  const [round, ...versions] = (lines.at(-1) ?? '').split(' ').map(Number);
  return { round: round ?? -1, versions };
}

async function check(directory: string, { round, versions }: Run): Promise<void> {
  const engine = await LmdbEngine.open({ directory, clock: systemClock, scheduler: impatientScheduler });
  try {
    // Each of the fifty rounds before the last wrote pairs of its own; those after it were not acknowledged.
    for (let written = Math.max(0, round - 49); written <= round; written++) {
      const outcomes = engine.getMany(placed(written));
      for (const [item, outcome] of outcomes.entries()) {
        if (outcome.status !== 'found') throw new Error(`round ${written} was acknowledged and is gone`);
        const [first] = outcome.value.data.split(' ', 1).map(Number);
        expect(first === written || (first !== undefined && first > round)).toBe(true);
        const times = 1 + (((first ?? 0) * 131 * item) % 3000);
        expect(outcome.value.data === `${first} `.repeat(times)).toBe(true);
        if (written === round) expect(outcome.version).toBe(versions[item]);
      }
    }
    const again = await engine.setMany(
      placed(round).map((key) => ({
        ...key,
        value: engineValue(engine, key),
        expiresAtMs: undefined,
        ifVersion: undefined,
      })),
    );
    again.forEach((outcome, item) => {
      expect(outcome.status === 'written' && outcome.version > (versions[item] ?? Infinity)).toBe(true);
    });
  } finally {
    await engine.close();
  }
}

function placed(round: number) {
  return ITEMS.map((item) => ({ id: keyId(stringKey(`${round % 50}/${item}`)), partition: item }));
}

function engineValue(engine: LmdbEngine, key: ReturnType<typeof placed>[number]) {
  const [outcome] = engine.getMany([key]);
  if (outcome?.status !== 'found') throw new Error('it was there a moment ago');
  return outcome.value;
}
