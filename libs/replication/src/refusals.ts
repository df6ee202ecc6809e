import type { Refusal } from './ports.js';

export const WRONG_NODE: Refusal = Object.freeze({
  kind: 'refused',
  code: 'wrong_node',
  message: 'the node does not serve the partition of the key',
});

export const BEHIND: Refusal = Object.freeze({
  kind: 'refused',
  code: 'wrong_node',
  message: 'the caller knows a later topology than the node',
});

export const TAKING_OVER: Refusal = Object.freeze({
  kind: 'refused',
  code: 'wrong_node',
  message: 'the node takes the partition over and does not serve it yet',
});

export const WAITED: Refusal = Object.freeze({
  kind: 'refused',
  code: 'wrong_node',
  message: 'the call has waited too long for a change of the partition to end',
});

export const NOT_PRIMARY: Refusal = Object.freeze({
  kind: 'refused',
  code: 'wrong_node',
  message: 'the node can not prove that it is still the primary',
});

export const UNDER_REPLICATED: Refusal = Object.freeze({
  kind: 'refused',
  code: 'under_replicated',
  message: 'too few copies of the partition are in sync',
});

/** The caller tries again, because the leader raises the ceiling soon after it assigns partitions. */
export const NO_VERSIONS: Refusal = Object.freeze({
  kind: 'refused',
  code: 'wrong_node',
  message: 'no version may be given until the topology has a higher ceiling of versions',
});

export const FULL: Refusal = Object.freeze({
  kind: 'refused',
  code: 'out_of_memory',
  message: 'a copy of the partition is full',
});

export const TOO_MANY: Refusal = Object.freeze({
  kind: 'refused',
  code: 'unavailable',
  message: 'too many calls wait for the partition',
});
