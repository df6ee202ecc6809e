import { messageOf } from '@kvs/protocol';
import type { ServerAddress } from '../redis-url.js';
import type { RedisEngineSettings, RedisLog } from '../redis-engine-options.js';
import type { Deadline } from './deadline.js';
import { RedisConnection } from './redis-connection.js';
import { ReplicatedWrites } from './replicated-writes.js';
import { problemOf, type RedisCommand, type Reply } from './reply.js';
import { addressName, parseSlotRanges, type SlotRange } from './slot-ranges.js';

/** A server's answer about which server owns the slots. */
export type Claim =
  | {
      readonly kind: 'cluster';
      readonly ranges: readonly SlotRange[];
      /** False if it reaches too few of the others. Then its map may be an old one. */
      readonly isServing: boolean;
    }
  /** Not in a Cluster: it has all slots itself, or its primary has. */
  | { readonly kind: 'single'; readonly primary: ServerAddress };

/** The settings require something that the server does not have. */
export class ServerMismatch extends Error {}

/** One server, with one connection, or two if writes wait for replicas, so that reads need not wait. */
export class RedisServer {
  readonly #settings: RedisEngineSettings;
  /** For logs and messages. */
  readonly name: string;
  readonly #reads: RedisConnection;
  readonly #connections: readonly RedisConnection[];
  readonly #writes: Pick<RedisConnection, 'send'>;
  #lastUse = performance.now();
  #problem: string | undefined;
  /** The problems logged since it last answered, so that each is logged once. */
  readonly #logged = new Set<string>();
  #isPolicyKnown = false;

  constructor(
    readonly address: ServerAddress,
    settings: RedisEngineSettings,
  ) {
    const { access, timeoutMs, waitReplicas, waitTimeoutMs, timers } = settings;
    this.#settings = settings;
    this.name = `Redis at ${addressName(address)}`;
    this.#problem = `${this.name} has not answered yet`;
    const connection = new RedisConnection(address, access, timeoutMs, timers);
    this.#reads = connection;
    if (waitReplicas === 0) {
      this.#connections = [connection];
      this.#writes = connection;
    } else {
      const forWrites = new RedisConnection(address, access, timeoutMs, timers);
      this.#connections = [connection, forWrites];
      this.#writes = new ReplicatedWrites(forWrites, waitReplicas, waitTimeoutMs);
    }
  }

  /** Why it could not serve at the last check. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get isAway(): boolean {
    return this.#connections.some(({ isAway }) => isAway);
  }

  /** Whether all its connections are open. */
  get isUp(): boolean {
    return this.#connections.every(({ isUp }) => isUp);
  }

  /** Whether no call has used it for some time. */
  get isIdle(): boolean {
    return this.#connections.every(({ isIdle }) => isIdle) && performance.now() - this.#lastUse > IDLE_MS;
  }

  read(commands: readonly RedisCommand[], deadline: Deadline): Promise<Reply[]> {
    this.#lastUse = performance.now();
    return this.#reads.send(commands, deadline);
  }

  write(commands: readonly RedisCommand[], deadline: Deadline): Promise<Reply[]> {
    this.#lastUse = performance.now();
    return this.#writes.send(commands, deadline);
  }

  /** Reconnects, because its address may lead to another server now. */
  reconnect(reason: string): void {
    for (const connection of this.#connections) connection.reconnect(reason);
  }

  /**
   * Asks whether it serves, and which server has the slots.
   *
   * @param log receives changes of whether it serves
   * @throws ServerMismatch, or an Error with the reason why it does not serve
   */
  async check(deadline: Deadline, log: RedisLog | undefined): Promise<Claim> {
    try {
      const claim = await this.#ask(deadline);
      if (this.#problem !== undefined) log?.info(`${this.name} answers`);
      this.#problem = undefined;
      this.#logged.clear();
      return claim;
    } catch (error) {
      this.#problem = messageOf(error);
      if (!this.#logged.has(this.#problem)) log?.warn(this.#problem);
      this.#logged.add(this.#problem);
      throw error;
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async #ask(deadline: Deadline): Promise<Claim> {
    await deadline.race(Promise.all(this.#connections.map(({ settled }) => settled)));
    for (const { problem } of this.#connections) {
      if (problem === undefined) continue;
      throw problem.kind === 'mismatch' ? new ServerMismatch(problem.message) : new Error(problem.message);
    }
    const [ping, slots, state, replication] = await this.#reads.send(CHECK, deadline);
    for (const reply of [ping, slots]) if (!isSettled(reply)) throw new Error(problemOf(reply));
    if (!this.#isPolicyKnown) {
      await this.#warnOfEviction(deadline);
      if (slots?.kind === 'answered' && state?.kind === 'error')
        this.#settings.log.warn(`${this.name} may be cut off unnoticed: ${problemOf(state)}`);
    }
    this.#isPolicyKnown = true;
    if (slots?.kind === 'answered')
      return {
        kind: 'cluster',
        ranges: parseSlotRanges(slots.value, this.address),
        isServing: infoField(state, 'cluster_state') !== 'fail',
      };
    // Not part of a Cluster, or not allowed to say so. Then there is no other server.
    if (this.#settings.servers.length > 1)
      throw new ServerMismatch(`several URLs are for a Cluster only: ${problemOf(slots)}`);
    return { kind: 'single', primary: primaryIn(replication, this.address) };
  }

  /**
   * Warns once of a server that evicts: it would drop whole partitions, because each is one key. CONFIG may be
   * forbidden where INFO is allowed.
   */
  async #warnOfEviction(deadline: Deadline): Promise<void> {
    const [memory] = await this.#reads.send([{ name: 'INFO', args: ['memory'] }], deadline);
    const policy = infoField(memory, 'maxmemory_policy');
    if (policy?.startsWith('allkeys-') !== true) return;
    this.#settings.log.warn(
      `${this.name} has maxmemory-policy ${policy}: when it is full it evicts whole partitions; set noeviction`,
    );
  }
}

/** How long to keep a server without slots, because requests may be redirected to it again. */
const IDLE_MS = 10_000;

const CHECK: readonly RedisCommand[] = [
  { name: 'PING', args: [] },
  { name: 'CLUSTER', args: ['SLOTS'] },
  { name: 'CLUSTER', args: ['INFO'] },
  { name: 'INFO', args: ['replication'] },
];

/** Returns whether a reply comes from a server that serves, even if with an error. */
function isSettled(reply: Reply | undefined): boolean {
  if (reply?.kind === 'error') return reply.error.action === 'report' || reply.error.action === 'failed';
  return reply?.kind === 'answered';
}

function primaryIn(replication: Reply | undefined, self: ServerAddress): ServerAddress {
  const host = infoField(replication, 'master_host');
  const port = Number(infoField(replication, 'master_port'));
  const isReplica = infoField(replication, 'role') === 'slave' && host !== undefined && port > 0;
  return isReplica ? { host, port } : self;
}

/** Returns a field of the answer to INFO or CLUSTER INFO; undefined if the command is refused. */
function infoField(reply: Reply | undefined, name: string): string | undefined {
  if (reply?.kind !== 'answered' || !Buffer.isBuffer(reply.value)) return undefined;
  return new RegExp(`^${name}:(.*)$`, 'm').exec(reply.value.toString())?.[1]?.trim();
}
