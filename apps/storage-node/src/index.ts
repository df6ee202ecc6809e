import { startServer, type RunningServer } from '@kvs/server';
import { readConfig } from './config.js';
import { storageNode } from './storage-node.js';

export type { RunningServer };

/**
 * Starts a storage node in this process, and waits until its engine is open. Unlike the command, it neither handles signals nor
 * ends the process.
 *
 * @param args as on the command line, such as `['127.0.0.1', '0', '--redis-port', 'auto']`
 * @param failed told why, when the engine can't go on
 * @throws StartError for arguments that are not valid, or the error of what can't be opened
 */
export async function startStorageNode(
  args: readonly string[],
  failed: (error: unknown) => void,
): Promise<RunningServer> {
  const config = readConfig(args);
  return new Promise((resolve, reject) => {
    let isOpen = false;
    // A snapshot may still be loading when the node listens.
    const engineOpened = (): void => {
      isOpen = true;
      resolve(running);
    };
    const engineFailed = (error: unknown): void => {
      if (isOpen) failed(error);
      else running.then((node) => node.stop()).then(() => reject(error), reject);
    };
    const running = startServer(storageNode(config, engineFailed, engineOpened));
    running.catch(reject);
  });
}
