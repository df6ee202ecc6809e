import { availableParallelism } from 'node:os';
import {
  listed,
  milliseconds,
  packageVersion,
  parseAddress,
  parseArguments,
  parseHost,
  parsePort,
  serverCommand,
  type ServerOptions,
  serverSettings,
  type ServerSettings,
  setting,
  wholeNumber,
} from '@kvs/server';
import { NODE_PROTOCOLS, type NodeProtocol } from '@kvs/node-link';
import { InvalidArgumentError, type Command } from 'commander';

export interface ProxyConfig extends ServerSettings {
  readonly host: string;
  readonly port: number;
  /** How many processes share the port. */
  readonly workers: number;
  /** The storage nodes as `host:port`, each once. */
  readonly nodes: readonly string[];
  /** How long a node may take to answer, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** By what way batches reach a node. */
  readonly nodeProtocol: NodeProtocol;
  /** Most connections to one node for batches over HTTP; scans have connections of their own. */
  readonly nodeConnections: number;
}

export const NAME = 'kvs-proxy';

export const VERSION = packageVersion(import.meta.url);

const DEFAULT_NODES = 'localhost:3000';

/** @throws StartError for bad arguments */
export function readConfig(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): ProxyConfig {
  let nodes: readonly string[] = [];
  const command = serverCommand(
    NAME,
    VERSION,
    'Serves clients and forwards to the storage nodes that hold their keys.',
  )
    .argument('[nodes...]', `storage nodes as host:port (env: KVS_NODES, default: ${DEFAULT_NODES})`)
    .addOption(setting('host <host>', 'address to listen on').default('localhost').argParser(parseHost))
    .addOption(setting('port <port>', 'port to listen on').default(8080).argParser(parsePort))
    .addOption(milliseconds('node-timeout-ms', 'longest wait for a node', 5000))
    .addOption(
      setting('node-protocol <name>', 'way to the nodes; auto is the link where there is one, else HTTP')
        .choices(NODE_PROTOCOLS)
        .default('auto'),
    )
    .addOption(wholeNumber('node-connections', 'most HTTP connections to a node', 128))
    .addOption(
      setting('workers <number>', 'processes that share the port; auto: one per core')
        .default(1)
        .argParser(parseWorkers),
    )
    .action((given: string[]) => {
      nodes = parseNodes(given.length > 0 ? given : [environment['KVS_NODES'] ?? DEFAULT_NODES], command);
    });
  const options = parseArguments(command, argv).opts<ProxyOptions>();
  const { host, port, workers, nodeTimeoutMs, nodeProtocol, nodeConnections } = options;
  const nodeSettings = { nodes, nodeTimeoutMs, nodeProtocol, nodeConnections };
  return { ...serverSettings(options), host, port, workers, ...nodeSettings };
}

type ProxyOptions = ServerOptions &
  Pick<ProxyConfig, 'host' | 'port' | 'workers' | 'nodeTimeoutMs' | 'nodeProtocol' | 'nodeConnections'>;

function parseWorkers(text: string): number {
  if (text === 'auto') return availableParallelism();
  const count = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  if (count >= 1 && count <= MAX_WORKERS) return count;
  throw new InvalidArgumentError(`Workers are a whole number from 1 to ${MAX_WORKERS}, or auto.`);
}

/** More than any machine has cores for: a slip, and one that would bring the machine down. */
const MAX_WORKERS = 1024;

function parseNodes(words: readonly string[], command: Command): string[] {
  const texts = words.flatMap(listed);
  if (texts.length === 0) command.error('error: no storage node is given');
  try {
    const nodes = texts.map(parseAddress);
    const twice = nodes.find((node, i) => nodes.indexOf(node) !== i);
    if (twice !== undefined) command.error(`error: node ${twice} is given twice`);
    return nodes;
  } catch (error) {
    if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`);
    throw error;
  }
}
