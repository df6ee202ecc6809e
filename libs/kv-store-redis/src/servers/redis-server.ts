import type { RedisEngineSettings, ServerAddress } from '../redis-engine-options.js';
import { RedisConnection } from './redis-connection.js';
import { ReplicatedWrites } from './replicated-writes.js';
import type { RedisCommand, Reply } from './reply.js';

/** One server, over one connection, or two where writes wait for replicas and reads should not. */
export class RedisServer {
  readonly #reads: RedisConnection;
  readonly #connections: readonly RedisConnection[];
  readonly #writes: Pick<RedisConnection, 'send'>;

  constructor(
    readonly address: ServerAddress,
    { access, timeoutMs, waitReplicas, waitTimeoutMs }: RedisEngineSettings,
  ) {
    const connection = new RedisConnection(address, access, timeoutMs);
    this.#reads = connection;
    if (waitReplicas === 0) {
      this.#connections = [connection];
      this.#writes = connection;
    } else {
      const forWrites = new RedisConnection(address, access, timeoutMs);
      this.#connections = [connection, forWrites];
      this.#writes = new ReplicatedWrites(forWrites, waitReplicas, waitTimeoutMs);
    }
  }

  get isAway(): boolean {
    return this.#connections.some(({ isAway }) => isAway);
  }

  read(commands: readonly RedisCommand[]): Promise<Reply[]> {
    return this.#reads.send(commands);
  }

  write(commands: readonly RedisCommand[]): Promise<Reply[]> {
    return this.#writes.send(commands);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}
