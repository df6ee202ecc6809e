import { DEFAULT_LIMITS } from '@kvs/protocol';
import type { PairLimits } from '../codec/hello.js';
import { endOfTurn, systemTimers, type Schedule, type Timers } from '../ports.js';

/** How the link to a node is opened and used. */
export interface LinkOptions {
  /** How long a node may take to accept a connection, to answer a call, or to go on with a scan, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /**
   * Returns the id of the cluster to which the node must belong. A link to any other node is closed before a call is sent.
   * Undefined: the node may be of any cluster, or of none.
   */
  readonly clusterId: () => string | undefined;
  readonly timers: Timers;
  /** Runs a task at the end of a turn: calls that were made in it are sent together. */
  readonly schedule: Schedule;
  /** Most calls to the node that may be pending, whether sent or not: further ones fail at once. */
  readonly maxPendingCalls: number;
  /** Most bytes of such calls. */
  readonly maxPendingBytes: number;
  /** How large a pair may be. The link takes such pairs also if they are beyond the protocol's default of 8 MiB. */
  readonly pairLimits: PairLimits;
  /** Called with the reason when a link was closed because its node broke a rule, at most once a minute. */
  readonly onBreach: (message: string) => void;
  /** Called each time when a link was opened: the address is a storage node's. */
  readonly foundNode: () => void;
  /** Called each time when the address turns out to be a proxy's. */
  readonly foundProxy: () => void;
}

/** The defaults. */
export const DEFAULT_LINK_OPTIONS: Omit<LinkOptions, 'nodeTimeoutMs'> = Object.freeze({
  timers: systemTimers,
  schedule: endOfTurn,
  maxPendingCalls: 4096,
  maxPendingBytes: 128 * 1024 * 1024,
  pairLimits: DEFAULT_LIMITS,
  clusterId: () => undefined,
  onBreach: () => undefined,
  foundNode: () => undefined,
  foundProxy: () => undefined,
});
