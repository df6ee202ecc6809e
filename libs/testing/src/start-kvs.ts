/** A kvs node in this process. */
export interface RunningKvs {
  /** The address for HTTP, such as `http://127.0.0.1:40001`. */
  readonly url: string;
  /** The address for Redis clients, such as `redis://127.0.0.1:40002`. */
  readonly redisUrl: string;
  readonly httpPort: number;
  readonly redisPort: number;
  /** Finishes the requests in flight, and closes everything. Closing again returns the first promise. */
  close(): Promise<void>;
}

export interface KvsOptions {
  /** More options of the storage node, as on its command line, such as `['--max-memory', '64mb']`. */
  readonly args?: readonly string[];
}

/**
 * Starts an empty node with its pairs in memory, on free ports of 127.0.0.1. Several can run at once. The node logs warnings and
 * errors to stdout.
 *
 * @throws StartError for options that are not valid
 */
export async function startKvs({ args = [] }: KvsOptions = {}): Promise<RunningKvs> {
  // Tests that never start a node don't pay for loading it.
  const { startStorageNode } = await import('@kvs/storage-node');
  const node = await startStorageNode(
    [HOST, '0', '--redis-port', 'auto', '--log-level', 'warn', ...args],
    (error) => {
      throw error;
    },
  );
  const portOf = (protocol: string): number => {
    const { port } = node.bound[protocol] ?? {};
    if (port === undefined) throw new TypeError(`the node does not listen for ${protocol}`);
    return port;
  };
  const [httpPort, redisPort] = [portOf('http'), portOf('redis')];
  let closing: Promise<void> | undefined;
  return {
    url: `http://${HOST}:${httpPort}`,
    redisUrl: `redis://${HOST}:${redisPort}`,
    httpPort,
    redisPort,
    close: () => (closing ??= node.stop()),
  };
}

const HOST = '127.0.0.1';
