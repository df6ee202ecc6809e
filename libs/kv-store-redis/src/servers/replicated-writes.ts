import { withResolver, type Deadline } from './deadline.js';
import type { RedisConnection } from './redis-connection.js';
import { lost, problemOf, unsent, type RedisCommand, type Reply } from './reply.js';

/**
 * Writes on a connection of their own, acknowledged when enough replicas have them. WAIT blocks its connection, so
 * writes that arrive during one WAIT are collected, and then sent together with a single WAIT after them.
 */
export class ReplicatedWrites {
  readonly #connection: Pick<RedisConnection, 'exchange'>;
  readonly #wait: RedisCommand;
  readonly #replicas: number;
  #gathered: Group[] = [];
  #isSending = false;

  constructor(connection: Pick<RedisConnection, 'exchange'>, replicas: number, waitTimeoutMs: number) {
    this.#connection = connection;
    this.#replicas = replicas;
    this.#wait = { name: 'WAIT', args: [String(replicas), String(waitTimeoutMs)] };
  }

  async send(commands: readonly RedisCommand[], deadline: Deadline): Promise<Reply[]> {
    const { promise, resolve } = withResolver<Reply[]>();
    const group: Group = { commands, deadline, resolve, isSent: false };
    this.#gathered.push(group);
    if (!this.#isSending) void this.#sendAll();
    const replies = await deadline.race(promise);
    if (replies !== undefined) return replies;
    return group.isSent
      ? lost(commands, 'Redis did not answer in time')
      : unsent(commands, 'earlier writes to Redis were still waiting for their replicas');
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#gathered.length > 0) {
      const groups = this.#gathered.filter(({ deadline }) => !deadline.isOver);
      this.#gathered = [];
      if (groups.length === 0) break;
      for (const group of groups) group.isSent = true;
      const replies = await this.#connection.exchange([
        ...groups.flatMap(({ commands }) => commands),
        this.#wait,
      ]);
      const replicaProblem = this.#problemIn(replies.pop());
      let start = 0;
      for (const { commands, resolve } of groups) {
        const own = replies.slice(start, (start += commands.length));
        resolve(own.map((reply) => (reply.kind === 'answered' ? { ...reply, replicaProblem } : reply)));
      }
    }
    this.#isSending = false;
  }

  #problemIn(waited: Reply | undefined): string | undefined {
    if (waited?.kind !== 'answered') return `the replicas may not have the write: ${problemOf(waited)}`;
    if (Number(waited.value) >= this.#replicas) return undefined;
    return 'too few replicas of Redis confirmed the write in time';
  }
}

interface Group {
  readonly commands: readonly RedisCommand[];
  readonly deadline: Deadline;
  readonly resolve: (replies: Reply[]) => void;
  isSent: boolean;
}
