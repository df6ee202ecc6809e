import { availableParallelism } from 'node:os';
import { HTTP_OPTIONS, httpSettings, type HttpSettings } from '@kvs/http-api';
import { REDIS_OPTIONS, type RedisPort } from '@kvs/redis-api';
import {
  InvalidArgumentError,
  milliseconds,
  packageVersion,
  parseAddress,
  parseCommand,
  parseHost,
  parsePort,
  parseWholeNumber,
  usageError,
  words,
} from '@kvs/server';
import { CLUSTER_OPTIONS, clusterConfig, type ClusterConfig } from './cluster/cluster-config.js';

export interface ProxyConfig extends HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly redisPort: RedisPort;
  /** How many processes share the port. */
  readonly workers: number;
  /** The storage nodes as `host:port`, each once. Those of a cluster are invited, and there may be none. */
  readonly nodes: readonly string[];
  /** How long a node may take to answer, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** Undefined if the nodes are a fixed list. */
  readonly cluster: ClusterConfig | undefined;
}

const DEFAULT_NODES = 'localhost:3000';
const LISTENING = 'Port and workers';
const NODES = 'Storage nodes';

export const COMMAND = {
  name: 'kvs-proxy',
  version: packageVersion(import.meta.url),
  description: 'Serves clients and forwards to the storage nodes that hold their keys.',
  arguments: {
    nodes: {
      syntax: '[nodes...]',
      description: `storage nodes as host:port (env: KVS_NODES, default: ${DEFAULT_NODES}, none with --topology)`,
      parse: (text: string, before: readonly string[] = []): readonly string[] => [...before, text],
    },
  },
  options: {
    host: {
      group: LISTENING,
      description: 'address to listen on',
      value: 'host',
      default: 'localhost',
      parse: parseHost,
    },
    port: {
      group: LISTENING,
      description: 'port to listen on; 0 for any free port',
      value: 'port',
      default: 8080,
      parse: parsePort,
    },
    workers: {
      group: LISTENING,
      description: 'processes that share the port; auto: one per core',
      value: 'number',
      default: 1,
      parse: parseWorkers,
    },
    nodeTimeoutMs: milliseconds(NODES, 'longest wait for a node', 5000),
    ...CLUSTER_OPTIONS,
    ...REDIS_OPTIONS,
    ...HTTP_OPTIONS,
  },
};

/** @throws StartError for arguments that are not valid */
export function readConfig(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): ProxyConfig {
  const { argument, options, isGiven } = parseCommand(COMMAND, argv);
  const given = argument('nodes');
  const { host, port, redisPort, workers, nodeTimeoutMs } = options;
  const cluster = clusterConfig(options, host, workers, isGiven);
  // Nodes may also join a cluster by themselves.
  const otherwise = environment['KVS_NODES'] ?? (cluster === undefined ? DEFAULT_NODES : undefined);
  const texts = given.length > 0 ? given : [otherwise ?? []].flat();
  const nodes = texts.length === 0 ? [] : parseNodes(texts);
  return {
    ...httpSettings(options),
    host,
    port,
    redisPort,
    workers,
    nodes,
    nodeTimeoutMs,
    cluster,
  };
}

function parseWorkers(text: string): number {
  return text === 'auto' ? availableParallelism() : parseWholeNumber(text, { max: MAX_WORKERS });
}

/** More cores than any machine has, so more workers than this must be a mistake. */
const MAX_WORKERS = 1024;

function parseNodes(given: readonly string[]): string[] {
  const texts = given.flatMap(words);
  if (texts.length === 0) throw usageError('no storage node is given');
  try {
    const nodes = texts.map(parseAddress);
    const twice = nodes.find((node, i) => nodes.indexOf(node) !== i);
    if (twice !== undefined) throw usageError(`node ${twice} is given twice`);
    return nodes;
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw usageError(error.message, error);
    throw error;
  }
}
