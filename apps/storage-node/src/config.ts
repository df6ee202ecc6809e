import {
  packageVersion,
  parseArguments,
  parseHost,
  parsePort,
  serverCommand,
  type ServerOptions,
  serverSettings,
  type ServerSettings,
} from '@kvs/server';
import { addEngineOptions, engineConfig, type EngineConfig } from './engine/engine-config.js';

export interface StorageNodeConfig extends ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly engine: EngineConfig;
}

export const NAME = 'kvs-storage-node';

export const VERSION = packageVersion(import.meta.url);

/** @throws StartError for bad arguments */
export function readConfig(argv: readonly string[]): StorageNodeConfig {
  let given: Pick<StorageNodeConfig, 'host' | 'port' | 'engine'> | undefined;
  const command = addEngineOptions(serverCommand(NAME, VERSION, 'Holds the pairs of its share of the keys.'))
    .argument('<host>', 'address to listen on, such as localhost', parseHost)
    .argument('<port>', 'port to listen on; 0 for any free one', parsePort)
    .action((host: string, port: number) => {
      given = { host, port, engine: engineConfig(command) };
    });
  const settings = serverSettings(parseArguments(command, argv).opts<ServerOptions>());
  if (given === undefined) throw new TypeError('the command was parsed and did not run');
  return { ...settings, ...given };
}
