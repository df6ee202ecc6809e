// A process that opens an engine and writes until it is killed. What was acknowledged it prints, a line for each
// round: the round's number, when all of the round's batch was acknowledged.
import { systemClock } from '@kvs/kv-store';
import { LmdbEngine } from '../../dist/index.js';
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
  const outcomes = await Promise.all([engine.setMany(items.slice(0, 2)), engine.setMany(items.slice(2))]);
  if (!outcomes.flat().every(({ status }) => status === 'written')) throw new Error(JSON.stringify(outcomes));
  const versions = outcomes.flat().map(({ version }) => version);
  // An acknowledgement counts when it has left the process; while its reader is busy it may not yet have.
  await new Promise((written) => process.stdout.write(`${round} ${versions.join(' ')}\n`, written));
}
