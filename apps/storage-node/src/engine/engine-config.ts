import { EVICTIONS, MIN_MAX_MEMORY_BYTES, type Eviction } from '@kvs/kv-store';
import {
  choice,
  describeOptions,
  InvalidArgumentError,
  list,
  optional,
  usageError,
  wholeNumber,
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

/** A timer can wait for as many seconds. */
const COUNT = { min: 0, max: 1_000_000 };

/** The options that only one engine takes. */
const OPTIONS_BY_ENGINE = {
  memory: {
    maxMemory: optional(
      {
        group: MEMORY,
        description: 'memory for pairs, such as 512mb; by default a part of the memory of the machine',
        value: 'size',
      },
      parseMaxMemory,
    ),
    eviction: choice(
      { group: MEMORY, description: 'which pairs are deleted when the memory is full', value: 'policy' },
      EVICTIONS,
      'none',
    ),
    snapshotDir: optional(
      { group: MEMORY, description: 'directory of the snapshot of the pairs', value: 'path' },
      parseDirectory,
    ),
    snapshotInterval: wholeNumber(
      {
        group: MEMORY,
        description: 'time between snapshots (0: only at shutdown)',
        value: 'seconds',
        unit: 'seconds',
      },
      0,
      COUNT,
    ),
    ignoreDamagedSnapshot: {
      group: MEMORY,
      description: 'set a damaged snapshot aside and start empty',
      default: false,
    },
  },
  lmdb: {
    dataDir: optional({ group: LMDB, description: 'directory of the pairs', value: 'path' }, parseDirectory),
    durability: choice(
      {
        group: LMDB,
        description:
          'what acknowledged writes survive: kill -9; with sync also a power loss, which may otherwise lose all pairs',
        value: 'level',
      },
      DURABILITIES,
      'commit',
    ),
  },
  redis: {
    // The engine checks the URLs, because it may not be installed.
    redisUrl: list(
      { group: REDIS, description: 'URL of Redis; several for a cluster', value: 'url...' },
      String,
      ['redis://localhost:6379'],
    ),
    redisPrefix: { group: REDIS, description: 'how the keys in Redis begin', value: 'text', default: 'kvs' },
    redisWait: wholeNumber(
      {
        group: REDIS,
        description: 'replicas that have a write before it is acknowledged',
        value: 'replicas',
      },
      0,
      COUNT,
    ),
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

function parseDirectory(text: string): string {
  if (text !== '' && !text.includes('\0')) return text;
  throw new InvalidArgumentError('It must name a directory.');
}

function parseMaxMemory(text: string): number {
  const bytes = parseByteSize(text);
  if (bytes >= MIN_MAX_MEMORY_BYTES) return bytes;
  throw new InvalidArgumentError(`It must be at least ${MIN_MAX_MEMORY_BYTES / 1024 ** 2}mb.`);
}
