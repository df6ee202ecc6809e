import {
  packageVersion,
  parseOrExit,
  parsePort,
  serverCommand,
  serverSettings,
  type ServerOptions,
  type ServerSettings,
} from '@kvs/http-api';

export interface StorageNodeConfig extends ServerSettings {
  readonly host: string;
  readonly port: number;
}

export const VERSION = packageVersion(import.meta.url);

/** Bad arguments end the process: one line on stderr, exit code 2. */
export function readConfig(argv: readonly string[]): StorageNodeConfig {
  let address = { host: '', port: 0 };
  const command = serverCommand('kvs-storage-node', VERSION, 'Holds the pairs of its share of the keys.')
    .argument('<host>', 'address to listen on, such as localhost')
    .argument('<port>', 'port to listen on; 0 for any free one', parsePort)
    .action((host: string, port: number) => {
      address = { host, port };
    });
  return { ...serverSettings(parseOrExit(command, argv).opts<ServerOptions>()), ...address };
}
