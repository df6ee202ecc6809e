import type { KeyId } from '@kvs/protocol';
import type { Effect } from './messages.js';
import type { WriteBatch, WriteOutcomes } from './ports.js';
import type { Tail } from './tail.js';

/**
 * Adds the effects of a write to a tail.
 *
 * @param epoch their epoch of origin
 * @param evicts whether copies may have a pair that the engine of the primary has not, so that each deletion is an effect (R8)
 */
export function pushEffects(
  tail: Tail,
  batch: WriteBatch,
  result: WriteOutcomes,
  epoch: number,
  evicts: boolean,
): void {
  let { number } = tail.end;
  const push = (id: KeyId, entry: Effect['entry']): void =>
    tail.push({ position: { epoch, number: ++number }, id, entry });
  if (batch.kind === 'set' && result.kind === 'set') {
    batch.items.forEach(({ id, value, expiresAtMs }, i) => {
      const outcome = result.outcomes[i];
      if (outcome?.status === 'written') push(id, { value, version: outcome.version, expiresAtMs });
    });
  } else if (batch.kind === 'delete' && result.kind === 'delete') {
    batch.items.forEach(({ id }, i) => {
      const status = result.outcomes[i]?.status;
      if (status === 'deleted' || (status === 'absent' && evicts)) push(id, undefined);
    });
  }
}
