// A process that fills its store until there is no more room (its caller sees to that), and tells as JSON what then
// still works.
import { systemClock } from '@kvs/kv-store';
import { brandValue, keyId, stringKey } from '@kvs/protocol';
import { LmdbEngine } from '../dist/index.js';

const [directory] = process.argv.slice(2);
const engine = await LmdbEngine.open({ directory, clock: systemClock });
const placed = (name) => ({ id: keyId(stringKey(name)), partition: 0 });
const write = (name, length) => ({
  ...placed(name),
  value: brandValue({ encoding: 'string', data: `${name} `.repeat(length) }),
  expiresAtMs: undefined,
  ifVersion: undefined,
});

const held = [];
const statuses = new Set();
for (let round = 0; !statuses.has('out_of_memory') && round < 10_000; round++) {
  const writes = [1, 2, 3].map((item) => write(`${round}/${item}`, 5000 * item));
  const outcomes = await engine.setMany(writes);
  outcomes.forEach(({ status }, index) => {
    statuses.add(status);
    if (status === 'written') held.push(writes[index]);
  });
}
const outcomesAtOnce = await engine.setMany([write('large', 2_000_000), write('0/1', 1)]);
const read = engine.getMany(held);
const isWhole = read.every(({ value }, index) => index === 0 || value?.data === held[index].value.data);
// In several transactions: what one frees can be used from the next but one on.
const removed = [];
for (const { id, partition } of held) {
  removed.push(...(await engine.deleteMany([{ id, partition, ifVersion: undefined }])));
}
const afterwards = await engine.setMany([write('afterwards', 10_000)]);
await engine.close();
console.log(
  JSON.stringify({
    held: held.length,
    isWhole,
    statuses: [...statuses].sort(),
    large: outcomesAtOnce[0].status,
    removed: [...new Set(removed.map(({ status }) => status))],
    afterwards: afterwards[0].status,
  }),
);
