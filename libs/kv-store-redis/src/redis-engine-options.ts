import type { ConnectionOptions } from 'node:tls';

export interface RedisEngineOptions {
  /**
   * `redis://` or, for TLS, `rediss://` addresses, as `redis://user:password@host:6379/0`. One that is not part of
   * a Cluster is a single server; otherwise these are the servers of a Cluster to ask for the others.
   */
  readonly urls: readonly string[];
  /**
   * What every Redis key of this store starts with. Stores with different prefixes don't see each other, and those
   * with the same prefix are one. Letters, digits and `_ . : -`. Default `kvs`.
   */
  readonly prefix?: string;
  /** Replicas that must have a write before it is acknowledged. Default 0. */
  readonly waitReplicas?: number;
  /** How long to wait for those replicas. At most half of {@link timeoutMs}; default a third of it. */
  readonly waitTimeoutMs?: number;
  /** Within which every call is answered, if only with `engine_unavailable`. Default 2,000. */
  readonly timeoutMs?: number;
  /** Bytes of requests that may wait for Redis; what would be more is refused. Default 128 MiB. */
  readonly maxPendingBytes?: number;
  /** Pause between two steps of the sweep that reclaims expired pairs. Default 250; 0 for no sweep. */
  readonly sweepIntervalMs?: number;
  /** For servers whose URL has no password. Default: the environment variable `KVS_REDIS_PASSWORD`, if it is set. */
  readonly password?: string;
  /** Certificates and the like, for `rediss://`. */
  readonly tls?: ConnectionOptions;
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
}

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** How to be let in; the same for all servers. */
export interface ServerAccess {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly tls: ConnectionOptions | undefined;
}

/** @throws TypeError or RangeError for options that cannot be */
export function settingsOf(options: RedisEngineOptions): RedisEngineSettings {
  const urls = options.urls.map(parseUrl);
  const [first] = urls;
  if (first === undefined) throw new TypeError('a Redis engine needs at least one URL');
  const { prefix = 'kvs', timeoutMs = 2000 } = options;
  if (!PREFIX.test(prefix)) throw new TypeError(`a prefix has letters, digits and _ . : - only: ${prefix}`);
  const waitTimeoutMs = options.waitTimeoutMs ?? Math.max(1, Math.floor(timeoutMs / 3));
  if (waitTimeoutMs > timeoutMs / 2) throw new RangeError('waitTimeoutMs is at most half of timeoutMs');
  return {
    servers: urls.map(({ hostname, port }) => ({
      host: withoutBrackets(hostname),
      port: Number(port || 6379),
    })),
    access: {
      username: decodeURIComponent(first.username) || undefined,
      password: decodeURIComponent(first.password) || (options.password ?? process.env['KVS_REDIS_PASSWORD']),
      database: whole('database', Number(first.pathname.slice(1)), 0),
      tls: TLS_PROTOCOLS.has(first.protocol) ? { ...options.tls } : undefined,
    },
    prefix,
    waitReplicas: whole('waitReplicas', options.waitReplicas ?? 0, 0),
    waitTimeoutMs: whole('waitTimeoutMs', waitTimeoutMs, 1),
    timeoutMs: whole('timeoutMs', timeoutMs, 1),
    maxPendingBytes: whole('maxPendingBytes', options.maxPendingBytes ?? 128 * 1024 * 1024, 1),
    sweepIntervalMs: whole('sweepIntervalMs', options.sweepIntervalMs ?? 250, 0),
  };
}

/** A brace would change the part of a key that decides on its slot. */
const PREFIX = /^[\w.:-]{1,64}$/;

const TLS_PROTOCOLS = new Set(['rediss:', 'valkeys:']);
const PROTOCOLS = new Set(['redis:', 'valkey:', ...TLS_PROTOCOLS]);

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The text is not repeated: it may hold a password.
  if (url === undefined || !PROTOCOLS.has(url.protocol) || url.hostname === '') {
    throw new TypeError('a Redis URL looks like redis://host:6379 or rediss://user:password@host:6379');
  }
  return url;
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function whole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${name} is a whole number of at least ${least}`);
  }
  return value;
}
