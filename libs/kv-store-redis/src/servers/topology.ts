import { SLOT_COUNT, messageOf } from '@kvs/protocol';
import type { ServerAddress } from '../redis-url.js';
import type { RedisEngineSettings } from '../redis-engine-options.js';
import { Deadline, withResolver } from './deadline.js';
import { RedisServer, ServerMismatch, type Claim } from './redis-server.js';
import { addressName, isComplete } from './slot-ranges.js';

/**
 * Knows which server has which slot, and whether any can serve. It asks all servers every second, and at once when a
 * reply shows that something has changed.
 */
export class Topology {
  readonly #settings: RedisEngineSettings;
  readonly #servers = new Map<string, RedisServer>();
  /** The servers of the settings. */
  readonly #seeds: readonly RedisServer[];
  /** By slot. */
  readonly #owners = new Array<RedisServer | undefined>(SLOT_COUNT);
  #refreshing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #mismatch: ServerMismatch | undefined;
  #problem = 'no Redis server was reached yet';

  constructor(settings: RedisEngineSettings) {
    this.#settings = settings;
    this.#seeds = settings.servers.map((address) => this.serverAt(address));
    void this.#watch();
  }

  /** Why {@link serverFor} may return none. */
  get problem(): string {
    return this.#problem;
  }

  /** The feature that the settings require and a server lacks. */
  get mismatch(): ServerMismatch | undefined {
    return this.#mismatch;
  }

  /** Why no server could serve at the last check; undefined if one could. */
  get obstacle(): string | undefined {
    const problems = new Set<string | undefined>();
    for (const owner of this.#owners) if (owner) problems.add(owner.problem);
    if (problems.has(undefined)) return undefined;
    return problems.size > 0 ? [...problems].join('; ') : this.#problem;
  }

  /** Whether all servers have been away for so long that waiting is useless. */
  get isAway(): boolean {
    return [...this.#servers.values()].every(({ isAway }) => isAway);
  }

  serverFor(slot: number): RedisServer | undefined {
    return this.#owners[slot];
  }

  serverAt(address: ServerAddress): RedisServer {
    const name = addressName(address);
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = new RedisServer(address, this.#settings);
      this.#servers.set(name, server);
    }
    return server;
  }

  /** Notes the owner of one slot that a server named. */
  assign(slot: number, owner: ServerAddress): void {
    this.#owners[slot] = this.serverAt(owner);
    void this.refresh();
  }

  /** Asks all servers at once. Never fails. The known map stays until a server says otherwise. */
  refresh(): Promise<void> {
    return (this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined)));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const server of this.#servers.values()) server.close();
  }

  async #watch(): Promise<void> {
    await this.refresh();
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#watch(), CHECK_INTERVAL_MS).unref();
  }

  /**
   * Adopts the map of the first server that serves and knows the owner of every slot. If there is none, it uses the answers of
   * all that serve.
   */
  async #ask(): Promise<void> {
    const deadline = new Deadline(this.#settings.timeoutMs / 2, this.#settings.timers);
    const claims = new Map<RedisServer, Claim>();
    const problems: string[] = [];
    let mismatch: ServerMismatch | undefined;
    // With a single server, `obstacle` already says this.
    const log = this.#servers.size > 1 ? this.#settings.log : undefined;
    const decided = withResolver<undefined>();
    const asked = [...this.#servers.values()].map(async (server) => {
      try {
        const claim = await server.check(deadline, log);
        claims.set(server, claim);
        if (this.#isDecisive(server, claim)) decided.resolve(undefined);
      } catch (error) {
        problems.push(messageOf(error));
        if (error instanceof ServerMismatch) mismatch = error;
      }
    });
    const all = Promise.all(asked).finally(() => deadline.end());
    await Promise.race([decided.promise, all]);
    if (this.#isClosed) return;
    this.#mismatch = claims.size > 0 ? undefined : mismatch;
    if (claims.size > 0) this.#adopt(claims);
    else this.#problem = problems.join('; ');
  }

  /**
   * Returns whether no other answer is needed: this server serves and has the complete map, or is a primary and the
   * server of the settings.
   */
  #isDecisive(server: RedisServer, claim: Claim): boolean {
    if (claim.kind === 'cluster') return claim.isServing && isComplete(claim.ranges);
    return server === this.#seeds[0] && addressName(claim.primary) === addressName(server.address);
  }

  #adopt(claims: ReadonlyMap<RedisServer, Claim>): void {
    this.#problem = 'no server of the Redis Cluster serves this part';
    const decisive = [...claims].find(([server, claim]) => this.#isDecisive(server, claim));
    const heard = decisive ? new Map([decisive]) : best(claims);
    for (const claim of heard.values()) {
      // A partial map replaces only that part, because a server that was cut off or reset does not know the rest.
      if (claim.kind === 'cluster')
        for (const { first, last, owner } of claim.ranges)
          this.#owners.fill(this.serverAt(owner), first, last + 1);
    }
    if ([...heard.values()].some(({ kind }) => kind === 'single')) this.#follow(this.#primaryBy(heard));
    this.#closeUnused();
  }

  /**
   * Follows the server of the settings from replica to primary. If that server is away, starts with the previous
   * primary.
   */
  #primaryBy(claims: ReadonlyMap<RedisServer, Claim>): RedisServer | undefined {
    const [seed] = this.#seeds;
    let server = seed && claims.has(seed) ? seed : this.#owners[0];
    const passed = new Set<RedisServer>();
    while (server !== undefined && !passed.has(server)) {
      passed.add(server);
      const claim = claims.get(server);
      if (claim?.kind === 'single') server = this.serverAt(claim.primary);
    }
    return server;
  }

  #follow(primary: RedisServer | undefined): void {
    const [seed] = this.#seeds;
    if (primary === undefined) return;
    if (primary !== seed && !primary.isUp) seed?.reconnect(`${seed.name} is a replica`);
    if (primary !== (this.#owners[0] ?? seed)) this.#settings.log.info(`${primary.name} is the primary now`);
    this.#owners.fill(primary);
  }

  /** Closes servers that have no slots. It keeps those of the settings, to ask them when all others are gone. */
  #closeUnused(): void {
    const used = new Set([...this.#owners, ...this.#seeds]);
    for (const [name, server] of this.#servers) {
      if (used.has(server) || !server.isIdle) continue;
      server.close();
      this.#servers.delete(name);
    }
  }
}

/** How long a change may go unnoticed if no request meets it. */
const CHECK_INTERVAL_MS = 1000;

/** Returns the answers of servers that serve; all answers if none does. */
function best(claims: ReadonlyMap<RedisServer, Claim>): ReadonlyMap<RedisServer, Claim> {
  const serving = [...claims].filter(([, claim]) => claim.kind === 'single' || claim.isServing);
  return serving.length > 0 ? new Map(serving) : claims;
}
