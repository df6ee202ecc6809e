import { listed, setting, USAGE_EXIT_CODE } from '@kvs/server';
import type { Eviction } from '@kvs/kv-store';
import { EVICTIONS, MIN_MAX_MEMORY_BYTES } from '@kvs/kv-store';
import { CommanderError, InvalidArgumentError, type Command, type Option } from 'commander';
import { parseByteSize } from './byte-size.js';

/** Which engine the node runs on, and what that engine is told. */
export type EngineConfig = MemoryConfig | LmdbConfig | RedisConfig;

export interface MemoryConfig {
  readonly engine: 'memory';
  /** Undefined for the engine's own choice. */
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

/** Adds `--engine` and the options of every engine. */
export function addEngineOptions(command: Command): Command {
  command.addOption(setting('engine <name>', 'where the pairs are kept').choices(ENGINES).default('memory'));
  for (const { option } of Object.values(OPTIONS)) command.addOption(option());
  return command;
}

/** Reads the options back. One that is not of the chosen engine is an error of the command's. */
export function engineConfig(command: Command): EngineConfig {
  const options = command.opts<ParsedOptions>();
  for (const [name, { engine, option }] of Object.entries(OPTIONS)) {
    const isGiven = !['default', undefined].includes(command.getOptionValueSource(name));
    if (isGiven && engine !== options.engine)
      command.error(`error: ${option().long} is for --engine ${engine}, not for ${options.engine}`);
  }
  switch (options.engine) {
    case 'memory':
      return memoryConfig(command, options);
    case 'lmdb':
      if (options.dataDir === undefined) command.error('error: --engine lmdb needs --data-dir');
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

function memoryConfig(command: Command, options: ParsedOptions): MemoryConfig {
  const { maxMemory, eviction, snapshotDir, snapshotInterval, ignoreDamagedSnapshot } = options;
  if (snapshotDir === undefined && (snapshotInterval > 0 || ignoreDamagedSnapshot === true))
    command.error('error: --snapshot-interval and --ignore-damaged-snapshot need --snapshot-dir');
  return {
    engine: 'memory',
    maxMemoryBytes: maxMemory,
    eviction,
    snapshotDirectory: snapshotDir,
    snapshotIntervalSeconds: snapshotInterval,
    damagedSnapshot: ignoreDamagedSnapshot === true ? 'set-aside' : 'refuse',
  };
}

const ENGINES = ['memory', 'lmdb', 'redis'] as const;
const DURABILITIES = ['commit', 'sync'] as const;

interface ParsedOptions {
  readonly engine: (typeof ENGINES)[number];
  readonly maxMemory: number | undefined;
  readonly eviction: Eviction;
  readonly snapshotDir: string | undefined;
  readonly snapshotInterval: number;
  readonly ignoreDamagedSnapshot: boolean | undefined;
  readonly dataDir: string | undefined;
  readonly durability: LmdbConfig['durability'];
  readonly redisUrl: readonly string[];
  readonly redisPrefix: string;
  readonly redisWait: number;
}

interface EngineOption {
  readonly engine: (typeof ENGINES)[number];
  readonly option: () => Option;
}

/** By the name that commander gives them. */
const OPTIONS: Readonly<Record<keyof Omit<ParsedOptions, 'engine'>, EngineOption>> = {
  maxMemory: {
    engine: 'memory',
    option: () =>
      setting('max-memory <size>', 'most memory for pairs, such as 512mb (default: by the memory)').argParser(
        parseMaxMemory,
      ),
  },
  eviction: {
    engine: 'memory',
    option: () =>
      setting('eviction <policy>', 'what goes when it is full').choices(EVICTIONS).default('none'),
  },
  snapshotDir: {
    engine: 'memory',
    option: () => path('snapshot-dir', 'where to keep a snapshot of the pairs'),
  },
  snapshotInterval: {
    engine: 'memory',
    option: () =>
      setting('snapshot-interval <seconds>', 'between snapshots; 0 for only at shutdown')
        .argParser(parseCount)
        .default(0),
  },
  ignoreDamagedSnapshot: {
    engine: 'memory',
    option: () => setting('ignore-damaged-snapshot', 'start empty, setting a damaged snapshot aside'),
  },
  dataDir: { engine: 'lmdb', option: () => path('data-dir', 'where the pairs are kept') },
  durability: {
    engine: 'lmdb',
    option: () =>
      setting('durability <level>', 'what an acknowledged write survives')
        .choices(DURABILITIES)
        .default('commit'),
  },
  redisUrl: {
    engine: 'redis',
    option: () =>
      setting('redis-url <url...>', 'where Redis is; several for a cluster')
        .argParser(collectUrls)
        .default(DEFAULT_REDIS_URLS, DEFAULT_REDIS_URLS.join()),
  },
  redisPrefix: {
    engine: 'redis',
    option: () => setting('redis-prefix <text>', 'what our keys start with').default('kvs'),
  },
  redisWait: {
    engine: 'redis',
    option: () =>
      setting('redis-wait <replicas>', 'replicas that have a write before it is acknowledged')
        .argParser(parseCount)
        .default(0),
  },
};

function path(name: string, description: string): Option {
  return setting(`${name} <path>`, description).argParser((text) => {
    if (text !== '' && !text.includes('\0')) return text;
    throw new InvalidArgumentError('It must name a directory.');
  });
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

/** A thousand million milliseconds are within what timers can wait. */
const MAX_COUNT = 1_000_000;

function collectUrls(text: string, before: unknown): string[] {
  const urls = listed(text);
  if (urls.length === 0 || !urls.every((url) => /^rediss?:\/\//.test(url) && URL.canParse(url)))
    throw new CommanderError(USAGE_EXIT_CODE, 'kvs.invalidRedisUrl', INVALID_URL);
  const isFirst = !Array.isArray(before) || before === DEFAULT_REDIS_URLS;
  return isFirst ? urls : [...before.map(String), ...urls];
}

const DEFAULT_REDIS_URLS: readonly string[] = ['redis://localhost:6379'];

/** Not an InvalidArgumentError, which would repeat what was given: a URL may hold a password. */
const INVALID_URL =
  'error: --redis-url takes URLs that start with redis:// or rediss:// (not shown here, as it may hold a password)';
