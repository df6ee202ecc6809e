import type { Refusal } from './ports.js';

export const WRONG_NODE = refusal('wrong_node', 'the node does not serve the partition of the key');

export const BEHIND = refusal('wrong_node', 'the caller knows a later topology than the node');

export const TAKING_OVER = refusal(
  'wrong_node',
  'the node takes the partition over and does not serve it yet',
);

export const WAITED = refusal(
  'wrong_node',
  'the call has waited too long for a change of the partition to end',
);

export const NOT_PRIMARY = refusal('wrong_node', 'the node cannot prove that it is still the primary');

export const UNDER_REPLICATED = refusal('under_replicated', 'too few copies of the partition are in sync');

/** The caller tries again, because the leader raises the ceiling soon after it assigns partitions. */
export const NO_VERSIONS = refusal(
  'wrong_node',
  'no version may be given until the topology has a higher ceiling of versions',
);

export const FULL = refusal('out_of_memory', 'a copy of the partition is full');

export const TOO_MANY = refusal('overloaded', 'too many calls wait for the partition');

function refusal(code: Refusal['code'], message: string): Refusal {
  return Object.freeze({ kind: 'refused', code, message });
}
