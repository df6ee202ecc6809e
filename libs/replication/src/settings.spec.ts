import { readFileSync } from 'node:fs';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { START_POSITION } from './position.js';
import { SLOW_NODE_TAIL_BYTES, SLOW_TAIL_BYTES } from './settings.js';
import { Tail } from './tail.js';

const operations = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');

/** Returns the threshold of the alert on a metric in docs/operations.md. */
function thresholdOf(metric: string): number {
  return Number(new RegExp(`\`${metric} > (\\d+)\``).exec(operations)?.[1]);
}

it('the alert on lag fires before the primary slows its writers, if values have up to 10 KB', () => {
  const lag = thresholdOf('kvs_replication_lag') + 1;
  const tail = new Tail(START_POSITION);
  const entry = { value: stringValue('v'.repeat(10_000)), version: 1, expiresAtMs: undefined };
  for (let number = 1; number <= lag; number++)
    tail.push({ position: { epoch: 1, number }, id: keyId(stringKey(`key ${number}`)), entry });
  expect(tail.end.number).toBe(lag);
  expect(tail.bytes).toBeLessThan(SLOW_TAIL_BYTES);
});

it('the alert on tails fires before the node slows its writers, and not for a few slow partitions', () => {
  const bytes = thresholdOf('kvs_replication_tail_bytes');
  expect(bytes).toBeLessThan(SLOW_NODE_TAIL_BYTES);
  expect(bytes).toBeGreaterThanOrEqual(4 * SLOW_TAIL_BYTES);
});
