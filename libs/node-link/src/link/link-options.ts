import type { LinkLimits } from '../codec/hello.js';
import { endOfTurn, systemTimers, type Schedule, type Timers } from '../ports.js';
import { connectPlain, type Connect } from './link-attempt.js';

/** How the link to a node is opened and used. */
export interface LinkOptions {
  /** How long a node may take to accept a connection, to answer a call, or to go on with a scan, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /**
   * Returns the id of the cluster to which the node must belong. A link to any other node is closed before a call is sent.
   * Undefined: the node may be of any cluster, or of none.
   */
  readonly clusterId: () => string | undefined;
  /** Opens connections. */
  readonly connect: Connect;
  readonly timers: Timers;
  /** Runs a task at the end of a turn: calls that were made in it are sent together. */
  readonly schedule: Schedule;
  /**
   * The proxy sends a ping over a link on which nothing came for this long. After three times as long, the link is dead.
   * In milliseconds, at most {@link MAX_HEARTBEAT_MS}.
   */
  readonly heartbeatMs: number;
  /** Most calls to the node that may be pending, whether sent or not: further ones fail at once. */
  readonly maxPendingCalls: number;
  /** Most bytes of such calls. */
  readonly maxPendingBytes: number;
  /** About how large a frame grows by putting calls together, and the largest part of a batch, in bytes. */
  readonly frameBytes: number;
  /** Called with the reason when a link was closed because its node broke a rule, at most once a minute. */
  readonly onBreach: (message: string) => void;
  /** Called each time when a link was opened: the address is a storage node's. */
  readonly foundNode: () => void;
  /** Called each time when the address turns out to be a proxy's. */
  readonly foundProxy: () => void;
  /** The limits that the proxy tells the node. */
  readonly limits: LinkLimits;
}

/** A ping is sent after two beats at the latest, and a node closes a link on which nothing came for 60 s. */
export const MAX_HEARTBEAT_MS = 20_000;

const KIB = 1024;
const MIB = 1024 * KIB;

/** The defaults. */
export const DEFAULT_LINK_OPTIONS: Omit<LinkOptions, 'nodeTimeoutMs'> = Object.freeze({
  connect: connectPlain,
  timers: systemTimers,
  schedule: endOfTurn,
  heartbeatMs: 5000,
  maxPendingCalls: 4096,
  maxPendingBytes: 128 * MIB,
  frameBytes: 256 * KIB,
  clusterId: () => undefined,
  onBreach: () => undefined,
  foundNode: () => undefined,
  foundProxy: () => undefined,
  limits: { maxFrameBytes: 64 * MIB, maxCallsInFlight: 4096, maxBytesInFlight: 128 * MIB },
});
