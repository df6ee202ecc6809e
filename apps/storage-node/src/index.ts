import { startServer, type RunningServer } from '@kvs/server';
import { readConfig } from './config.js';
import { storageNode } from './storage-node.js';

export type { RunningServer };

/**
 * Starts a storage node in this process. Unlike the command, it neither handles signals nor ends the process.
 *
 * @param args as on the command line, such as `['127.0.0.1', '0', '--redis-port', 'auto']`
 * @param failed told why, when the engine can't be opened while the node already listens, or can't go on
 * @throws StartError for arguments that are not valid, or the error of what can't be opened
 */
export async function startStorageNode(
  args: readonly string[],
  failed: (error: unknown) => void,
): Promise<RunningServer> {
  return startServer(storageNode(readConfig(args), failed));
}
