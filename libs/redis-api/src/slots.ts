import type { RedisError } from './reply.js';

/** Which slots of Redis Cluster a node serves. */
export interface Slots {
  /**
   * Returns the error for a command with these keys: `MOVED`, `CROSSSLOT` or `CLUSTERDOWN`; undefined if this node serves them.
   * O(bytes of the keys).
   */
  refusal(keys: readonly Buffer[]): RedisError | undefined;
}
