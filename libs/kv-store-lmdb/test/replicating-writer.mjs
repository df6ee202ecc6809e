// A process that opens an engine with replication, and changes pairs until it is killed. The effect with number n writes the
// key n, so the pairs say what the position must be. It prints the number of each effect that was acknowledged.
import { brandValue, keyId, stringKey } from '@kvs/protocol';
import { systemClock } from '@kvs/kv-store';
import { LmdbEngine } from '../dist/index.js';

const PARTITION = 3;
const EPOCH = 5;
const [directory] = process.argv.slice(2);
const engine = await LmdbEngine.open({ directory, clock: systemClock });
const { replication } = engine;
await replication.start();

for (let round = 0; ; round++) {
  const { number } = replication.position(PARTITION);
  const numbers = Array.from({ length: 1 + (round % 3) }, (_, index) => number + 1 + index);
  const outcomes = round % 2 === 0 ? await write(numbers) : [await apply(numbers)];
  if (!outcomes.every(({ status }) => status === 'written' || status === 'applied'))
    throw new Error(JSON.stringify(outcomes));
  await new Promise((written) => process.stdout.write(`${numbers.at(-1)}\n`, written));
}

function write(numbers) {
  const items = numbers.map((number) => ({
    id: idOf(number),
    partition: PARTITION,
    value: valueOf(number),
    expiresAtMs: undefined,
    ifVersion: 0,
  }));
  return replication.write(PARTITION, items, EPOCH);
}

function apply(numbers) {
  const effects = numbers.map((number) => ({
    position: { epoch: EPOCH, number },
    id: idOf(number),
    entry: { value: valueOf(number), version: number, expiresAtMs: undefined },
  }));
  return replication.apply(PARTITION, effects, numbers.at(-1));
}

function idOf(number) {
  return keyId(stringKey(`${number}`));
}

/** Some values take several pages. */
function valueOf(number) {
  return brandValue({ encoding: 'string', data: `${number} `.repeat(1 + ((number * 131) % 3000)) });
}
