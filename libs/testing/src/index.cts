// CommonJS, because test runners such as Jest cannot load ES modules into their sandboxes. A worker thread loads the node.
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Where a node listens. */
export interface KvsAddresses {
  /** The address for HTTP, such as `http://127.0.0.1:40001`. */
  readonly url: string;
  /** The address for Redis clients, such as `redis://127.0.0.1:40002`. */
  readonly redisUrl: string;
  readonly httpPort: number;
  readonly redisPort: number;
}

/** A kvs node in a thread of this process. */
export interface RunningKvs extends KvsAddresses {
  /** Finishes the requests in flight, and ends the thread. Closing again returns the same promise. */
  close(): Promise<void>;
}

export interface KvsOptions {
  /** More options of the storage node, as on its command line, such as `['--max-memory', '64mb']`. */
  readonly args?: readonly string[];
}

/**
 * Starts an empty node with its pairs in memory, on free ports of 127.0.0.1. Several can run at once. The node logs warnings and
 * errors to stdout. A node that is not closed ends with the process and does not keep it alive.
 *
 * @throws Error with the name `StartError` and an `exitCode`, for options that are not valid and for a port that can't be opened
 * @throws Error with the reason why the engine can't be opened, such as a snapshot directory that is in use
 * @throws TypeError for `--help` and `--version`, because they start no node
 */
export async function startKvs({ args = [] }: KvsOptions = {}): Promise<RunningKvs> {
  const thread = new Worker(join(__dirname, 'thread.js'), {
    argv: [...args],
    env: process.env, // Jest gives each test file an environment of its own
    execArgv: [], // the thread needs no loaders of the tests
  });
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const [addresses] = (await Promise.race([
    once(thread, 'message'),
    ended.then(() => Promise.reject(new TypeError('the node ended at its start, as for --help'))),
  ])) as [KvsAddresses];
  thread.unref();
  return {
    ...addresses,
    close() {
      thread.ref();
      thread.postMessage('close');
      return ended;
    },
  };
}
