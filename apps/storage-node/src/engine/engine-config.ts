import type { Eviction } from '@kvs/kv-store';
import { EVICTIONS, MIN_MAX_MEMORY_BYTES } from '@kvs/kv-store';
import {
  choice,
  describeOptions,
  InvalidArgumentError,
  list,
  usageError,
  type StartError,
  type OptionDefinition,
  type Values,
} from '@kvs/server';
import { parseByteSize } from './byte-size.js';

/** The engine of the node, with its settings. */
export type EngineConfig = MemoryConfig | LmdbConfig | RedisConfig;

export interface MemoryConfig {
  readonly engine: 'memory';
  /** Undefined for the engine's default. */
  readonly maxMemoryBytes: number | undefined;
  readonly eviction: Eviction;
  /** Undefined for no snapshots. */
  readonly snapshotDirectory: string | undefined;
  readonly snapshotIntervalSeconds: number;
  readonly damagedSnapshot: 'refuse' | 'set-aside';
}

export interface LmdbConfig {
  readonly engine: 'lmdb';
  readonly directory: string;
  readonly durability: (typeof DURABILITIES)[number];
}

export interface RedisConfig {
  readonly engine: 'redis';
  readonly urls: readonly string[];
  readonly prefix: string;
  readonly waitReplicas: number;
}

const ENGINES = ['memory', 'lmdb', 'redis'] as const;
const DURABILITIES = ['commit', 'sync'] as const;

const ENGINE = 'Engine';
const MEMORY = 'Engine memory';
const LMDB = 'Engine lmdb';
const REDIS = 'Engine redis';

/** The options that only one engine takes. */
const OPTIONS_BY_ENGINE = {
  memory: {
    maxMemory: {
      group: MEMORY,
      description: 'memory for pairs, such as 512mb; by default a part of the memory of the machine',
      value: 'size',
      default: undefined,
      parse: parseMaxMemory,
    } satisfies OptionDefinition<number | undefined>,
    eviction: choice(
      { group: MEMORY, description: 'which pairs are deleted when the memory is full', value: 'policy' },
      EVICTIONS,
      'none',
    ),
    snapshotDir: directory(MEMORY, 'directory of the snapshot of the pairs'),
    snapshotInterval: {
      group: MEMORY,
      description: 'time between snapshots (0: only at shutdown)',
      value: 'seconds',
      unit: 'seconds',
      default: 0,
      parse: parseCount,
    },
    ignoreDamagedSnapshot: {
      group: MEMORY,
      description: 'set a damaged snapshot aside and start empty',
      default: false,
    },
  },
  lmdb: {
    dataDir: directory(LMDB, 'directory of the pairs'),
    durability: choice(
      { group: LMDB, description: 'what an acknowledged write survives', value: 'level' },
      DURABILITIES,
      'commit',
    ),
  },
  redis: {
    redisUrl: list(
      { group: REDIS, description: 'URL of Redis; several for a cluster', value: 'url...' },
      parseRedisUrl,
      ['redis://localhost:6379'],
    ),
    redisPrefix: { group: REDIS, description: 'how the keys in Redis begin', value: 'text', default: 'kvs' },
    redisWait: {
      group: REDIS,
      description: 'replicas that have a write before it is acknowledged',
      value: 'replicas',
      default: 0,
      parse: parseCount,
    },
  },
};

/** The options of all engines. */
export const ENGINE_OPTIONS = {
  engine: choice(
    { group: ENGINE, description: 'where the pairs are kept', value: 'name' },
    ENGINES,
    'memory',
  ),
  ...OPTIONS_BY_ENGINE.memory,
  ...OPTIONS_BY_ENGINE.lmdb,
  ...OPTIONS_BY_ENGINE.redis,
};

type EngineOptions = Values<typeof ENGINE_OPTIONS>;

/**
 * Returns the engine that the options choose.
 *
 * @throws StartError if an option is given that the engine doesn't take
 */
export function engineConfig(options: EngineOptions, isGiven: (option: string) => boolean): EngineConfig {
  for (const engine of ENGINES) {
    if (engine === options.engine) continue;
    for (const { name, flag } of describeOptions(OPTIONS_BY_ENGINE[engine]))
      if (isGiven(name)) throw usageError(`${flag} is for --engine ${engine}, not for ${options.engine}`);
  }
  switch (options.engine) {
    case 'memory':
      return memoryConfig(options);
    case 'lmdb':
      if (options.dataDir === undefined) throw usageError('--engine lmdb needs --data-dir');
      return { engine: 'lmdb', directory: options.dataDir, durability: options.durability };
    case 'redis':
      if (options.redisUrl.length === 0) throw invalidRedisUrl();
      return {
        engine: 'redis',
        urls: options.redisUrl,
        prefix: options.redisPrefix,
        waitReplicas: options.redisWait,
      };
  }
}

function memoryConfig(options: EngineOptions): MemoryConfig {
  const { maxMemory, eviction, snapshotDir, snapshotInterval, ignoreDamagedSnapshot } = options;
  if (snapshotDir === undefined && (snapshotInterval > 0 || ignoreDamagedSnapshot))
    throw usageError('--snapshot-interval and --ignore-damaged-snapshot need --snapshot-dir');
  return {
    engine: 'memory',
    maxMemoryBytes: maxMemory,
    eviction,
    snapshotDirectory: snapshotDir,
    snapshotIntervalSeconds: snapshotInterval,
    damagedSnapshot: ignoreDamagedSnapshot ? 'set-aside' : 'refuse',
  };
}

function directory(group: string, description: string): OptionDefinition<string | undefined> {
  return {
    group,
    description,
    value: 'path',
    default: undefined,
    parse: (text) => {
      if (text !== '' && !text.includes('\0')) return text;
      throw new InvalidArgumentError('It must name a directory.');
    },
  };
}

function parseMaxMemory(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes >= MIN_MAX_MEMORY_BYTES) return bytes;
  throw new InvalidArgumentError(`It must be at least ${MIN_MAX_MEMORY_BYTES / 1024 ** 2}mb.`);
}

function parseCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (count <= MAX_COUNT) return count;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${MAX_COUNT}.`);
}

/** A timer can wait for as many seconds. */
const MAX_COUNT = 1_000_000;

/** Throws no InvalidArgumentError, because its message would repeat the URL, which may hold a password. */
function parseRedisUrl(text: string): string {
  if (/^rediss?:\/\//.test(text) && URL.canParse(text)) return text;
  throw invalidRedisUrl();
}

function invalidRedisUrl(): StartError {
  return usageError(
    '--redis-url takes URLs that start with redis:// or rediss:// (not shown here, because it may hold a password)',
  );
}
