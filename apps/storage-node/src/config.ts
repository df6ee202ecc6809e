import { HTTP_OPTIONS, httpSettings, type HttpSettings } from '@kvs/http-api';
import { REDIS_OPTIONS, type RedisPort } from '@kvs/redis-api';
import { isAnyAddress, packageVersion, parseCommand, parseHost, parsePort, usageError } from '@kvs/server';
import { CLUSTER_OPTIONS, clusterConfig, type ClusterConfig } from './cluster/cluster-config.js';
import { ENGINE_OPTIONS, engineConfig, type EngineConfig } from './engine/engine-config.js';

export interface StorageNodeConfig extends HttpSettings {
  readonly host: string;
  readonly port: number;
  readonly redisPort: RedisPort;
  readonly engine: EngineConfig;
  readonly cluster: ClusterConfig;
}

export const COMMAND = {
  name: 'kvs-storage-node',
  version: packageVersion(import.meta.url),
  description: 'Holds the pairs of its share of the keys.',
  arguments: {
    host: { syntax: '<host>', description: 'address to listen on, such as localhost', parse: parseHost },
    port: { syntax: '<port>', description: 'port to listen on; 0 for any free port', parse: parsePort },
  },
  options: { ...ENGINE_OPTIONS, ...CLUSTER_OPTIONS, ...REDIS_OPTIONS, ...HTTP_OPTIONS },
};

/** @throws StartError for arguments that are not valid */
export function readConfig(argv: readonly string[]): StorageNodeConfig {
  const { argument, options, isGiven } = parseCommand(COMMAND, argv);
  const engine = engineConfig(options, isGiven);
  const host = argument('host');
  const cluster = clusterConfig(options, host);
  const { redisPort } = options;
  if (redisPort !== 0 && isAnyAddress(host) && cluster.announceHost === undefined)
    throw usageError(
      `--redis-port needs --address or --announce-host, because clients can't be sent to ${host}`,
    );
  return { ...httpSettings(options), host, port: argument('port'), redisPort, engine, cluster };
}
