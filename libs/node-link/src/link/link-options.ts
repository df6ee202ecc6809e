import type { LinkLimits } from '../codec/hello.js';
import { endOfTurn, systemTimers, type Random, type Schedule, type Timers } from '../ports.js';
import { connectPlain, type Connect } from './upgrade-to-link.js';

/** How the link to a node is opened and used. */
export interface LinkOptions {
  /** How long a node may take to answer, or to accept a connection, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** Opens connections, for the link, for HTTP and for scans alike. */
  readonly connect: Connect;
  readonly timers: Timers;
  /** When a turn is over, and what was asked for in it goes out together. */
  readonly schedule: Schedule;
  /** Spreads the attempts of several proxies to open a link again. */
  readonly random: Random;
  /** How long calls may gather while others are unanswered, in milliseconds. */
  readonly maxDelayMs: number;
  /**
   * A link on which nothing came for this long is asked for a sign of life; after three times as long, it is dead.
   * In milliseconds, at most {@link MAX_HEARTBEAT_MS}.
   */
  readonly heartbeatMs: number;
  /** The first wait before a link is opened again, in milliseconds; it doubles with each failure. */
  readonly minReconnectMs: number;
  /** The longest such wait, in milliseconds. */
  readonly maxReconnectMs: number;
  /** Most calls to the node that may be pending, whether sent or not: further ones fail at once. */
  readonly maxPendingCalls: number;
  /** Most bytes of such calls. */
  readonly maxPendingBytes: number;
  /** About how long a frame grows by putting calls together, and the largest piece of a call. */
  readonly frameBytes: number;
  /** Told why a link was closed whose node broke a rule, at most once a minute. */
  readonly onBreach: (message: string) => void;
  /** Called each time when an answer shows that the address is a proxy's. */
  readonly foundProxy: () => void;
  /** What this end takes from the node. */
  readonly limits: LinkLimits;
}

/** A ping may come after two beats, and a node takes a link on which nothing comes for 60 s for dead. */
export const MAX_HEARTBEAT_MS = 20_000;

const KIB = 1024;
const MIB = 1024 * KIB;

/** What holds where nothing else is said. */
export const DEFAULT_LINK_OPTIONS: Omit<LinkOptions, 'nodeTimeoutMs'> = Object.freeze({
  connect: connectPlain,
  timers: systemTimers,
  schedule: endOfTurn,
  random: Math.random,
  maxDelayMs: 2,
  heartbeatMs: 5000,
  minReconnectMs: 50,
  maxReconnectMs: 5000,
  maxPendingCalls: 4096,
  maxPendingBytes: 128 * MIB,
  frameBytes: 256 * KIB,
  onBreach: () => undefined,
  foundProxy: () => undefined,
  limits: { maxFrameBytes: 64 * MIB, maxCallsInFlight: 4096, maxBytesInFlight: 128 * MIB },
});
