import type { RedisConnection } from './redis-connection.js';
import type { RedisCommand, Reply } from './reply.js';

/**
 * Writes on a connection of their own, acknowledged when enough replicas have them. WAIT holds up whatever comes
 * after it on its connection; so what arrives during one WAIT is gathered, then sent at once with a single WAIT
 * behind it.
 */
export class ReplicatedWrites {
  readonly #connection: RedisConnection;
  readonly #wait: RedisCommand;
  readonly #replicas: number;
  #gathered: Group[] = [];
  #isSending = false;

  constructor(connection: RedisConnection, replicas: number, waitTimeoutMs: number) {
    this.#connection = connection;
    this.#replicas = replicas;
    this.#wait = { name: 'WAIT', args: [String(replicas), String(waitTimeoutMs)] };
  }

  send(commands: readonly RedisCommand[]): Promise<Reply[]> {
    return new Promise((resolve) => {
      this.#gathered.push({ commands, resolve });
      if (!this.#isSending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#gathered.length > 0) {
      const groups = this.#gathered;
      this.#gathered = [];
      const replies = await this.#connection.send([
        ...groups.flatMap(({ commands }) => commands),
        this.#wait,
      ]);
      const isReplicated = this.#isEnough(replies.pop());
      let start = 0;
      for (const { commands, resolve } of groups) {
        const own = replies.slice(start, (start += commands.length));
        resolve(own.map((reply) => (reply.kind === 'answered' ? { ...reply, isReplicated } : reply)));
      }
    }
    this.#isSending = false;
  }

  #isEnough(reply: Reply | undefined): boolean {
    return reply?.kind === 'answered' && Number(reply.value) >= this.#replicas;
  }
}

interface Group {
  readonly commands: readonly RedisCommand[];
  readonly resolve: (replies: Reply[]) => void;
}
