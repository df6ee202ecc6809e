// A process that opens an engine and writes until it is killed. What was acknowledged it prints, a line for each
// round: the round's number, when all of the round's batch was acknowledged.
import { systemClock } from '@kvs/kv-store';
import { LmdbEngine } from '../dist/index.js';
import { brandValue, keyId, stringKey } from '@kvs/protocol';

const [directory, firstRound, durability] = process.argv.slice(2);
const engine = await LmdbEngine.open({ directory, durability, clock: systemClock });

for (let round = Number(firstRound); ; round++) {
  const items = [0, 1, 2, 3].map((item) => ({
    id: keyId(stringKey(`${round % 50}/${item}`)),
    partition: item,
    // Every character names the round, and large values take many pages: a torn one would show.
    value: brandValue({ encoding: 'string', data: `${round} `.repeat(1 + ((round * 131 * item) % 3000)) }),
    expiresAtMs: undefined,
    ifVersion: undefined,
  }));
  // Deleted in the transaction that writes it. LMDB never writes its pages, so the file is often shorter than its header says.
  const passing = { ...items[0], id: keyId(stringKey('passing')), value: largeValue(round) };
  const [first, second, , deleted] = await Promise.all([
    engine.setMany(items.slice(0, 2)),
    engine.setMany(items.slice(2)),
    engine.setMany([passing]),
    engine.deleteMany([passing]),
  ]);
  const outcomes = [...first, ...second];
  if (deleted[0].status !== 'deleted') throw new Error(JSON.stringify(deleted));
  if (!outcomes.every(({ status }) => status === 'written')) throw new Error(JSON.stringify(outcomes));
  const versions = outcomes.map(({ version }) => version);
  // An acknowledgement counts when it has left the process; while its reader is busy it may not yet have.
  await new Promise((written) => process.stdout.write(`${round} ${versions.join(' ')}\n`, written));
}

function largeValue(round) {
  return brandValue({ encoding: 'string', data: 'v'.repeat(100_000 + 50_000 * (round % 5)) });
}
