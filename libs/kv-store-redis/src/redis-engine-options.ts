import type { ConnectionOptions } from 'node:tls';
import { systemTimers, type Timers } from '@kvs/protocol';
import { contradicts, parseUrl, type ServerAddress } from './redis-url.js';

export interface RedisEngineOptions {
  /**
   * `redis://` or `valkey://` addresses, or `rediss://` or `valkeys://` for TLS, as `redis://user:password@host:6379/0`.
   * One address is a single server, or any server of a Cluster; several are servers of a Cluster. The database number
   * may also be given as `?db=`; a Cluster has database 0 only. All URLs share user, password, database and TLS: the
   * first has them, and the others repeat them or leave them out.
   */
  readonly urls: readonly string[];
  /**
   * The start of every Redis key of this store. Stores with different prefixes don't see each other, and stores with
   * the same prefix are one. Letters, digits and `_ . : -`. Default `kvs`.
   */
  readonly prefix?: string;
  /** How many replicas must have a write before it is acknowledged. Default 0. */
  readonly waitReplicas?: number;
  /** Milliseconds to wait for those replicas. At most half of {@link timeoutMs}; default a third of it. */
  readonly waitTimeoutMs?: number;
  /** Milliseconds within which every call is answered, if only with `engine_unavailable`. Default 2,000. */
  readonly timeoutMs?: number;
  /** Bytes of requests that may wait for Redis. More are refused. Default 128 MiB. */
  readonly maxPendingBytes?: number;
  /** Milliseconds between two steps of the sweep for expired pairs. Default 250; 0 for no sweep. */
  readonly sweepIntervalMs?: number;
  /** The password, if the URL has none. Default: the environment variable `KVS_REDIS_PASSWORD`, if it is set. */
  readonly password?: string;
  /** Certificates and other TLS options, for `rediss://` and `valkeys://`. */
  readonly tls?: ConnectionOptions;
  /**
   * Receives a message when a server stops answering (with the reason), when it answers again, and if it may evict
   * pairs.
   */
  readonly log?: RedisLog;
}

export interface RedisLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface RedisEngineSettings {
  readonly servers: readonly ServerAddress[];
  readonly access: ServerAccess;
  readonly prefix: string;
  readonly waitReplicas: number;
  readonly waitTimeoutMs: number;
  readonly timeoutMs: number;
  readonly maxPendingBytes: number;
  readonly sweepIntervalMs: number;
  readonly log: RedisLog;
  readonly timers: Timers;
}

/** How to log in. The same for all servers. */
export interface ServerAccess {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: ConnectionOptions | undefined;
}

/** @throws TypeError or RangeError for invalid options */
export function settingsOf(options: RedisEngineOptions, timers = systemTimers): RedisEngineSettings {
  const [first, ...others] = options.urls.map(parseUrl);
  if (first === undefined) throw new TypeError('a Redis engine needs at least one URL');
  if (others.some((other) => contradicts(first, other)))
    throw new TypeError(
      'several Redis URLs are for one Cluster: they share user, password and TLS, and database 0',
    );
  if (others.length > 0 && first.database > 0) throw new TypeError('a Redis Cluster has database 0 only');
  const { prefix = 'kvs', timeoutMs = 2000 } = options;
  if (!PREFIX.test(prefix)) throw new TypeError(`a prefix has letters, digits and _ . : - only: ${prefix}`);
  const waitTimeoutMs = options.waitTimeoutMs ?? Math.max(1, Math.floor(timeoutMs / 3));
  if (waitTimeoutMs > timeoutMs / 2) throw new RangeError('waitTimeoutMs is at most half of timeoutMs');
  return {
    servers: [first, ...others].map(({ address }) => address),
    access: {
      username: first.username,
      password: first.password ?? options.password ?? process.env['KVS_REDIS_PASSWORD'],
      database: first.database,
      tls: first.isTls ? { ...options.tls } : undefined,
    },
    prefix,
    waitReplicas: integerOf('waitReplicas', options.waitReplicas ?? 0, 0),
    waitTimeoutMs: integerOf('waitTimeoutMs', waitTimeoutMs, 1),
    timeoutMs: integerOf('timeoutMs', timeoutMs, 1),
    maxPendingBytes: integerOf('maxPendingBytes', options.maxPendingBytes ?? 128 * 1024 * 1024, 1),
    sweepIntervalMs: integerOf('sweepIntervalMs', options.sweepIntervalMs ?? 250, 0),
    log: options.log ?? SILENT,
    timers,
  };
}

/** A brace would change the part of a key that decides its slot. */
const PREFIX = /^[\w.:-]{1,64}$/;

const SILENT: RedisLog = { info: () => undefined, warn: () => undefined };

function integerOf(name: string, value: number, min: number): number {
  if (!Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name} is a whole number of at least ${min}`);
  }
  return value;
}
