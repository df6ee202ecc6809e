import type { RedisEngineSettings, ServerAddress } from '../redis-engine-options.js';
import { Deadline } from './deadline.js';
import { RedisServer } from './redis-server.js';
import type { SlotRange } from './slot-ranges.js';
import { addressName, EVERY_SLOT, parseSlotRanges } from './slot-ranges.js';

/** Which server has which slot. Found out by asking, and again when a reply shows that it has changed. */
export class Topology {
  readonly #settings: RedisEngineSettings;
  readonly #servers = new Map<string, RedisServer>();
  #ranges: readonly SlotRange[] = [];
  #refreshing: Promise<void> | undefined;
  #isClosed = false;
  #problem = 'no Redis server was reached yet';

  constructor(settings: RedisEngineSettings) {
    this.#settings = settings;
    for (const address of settings.servers) this.#open(address);
  }

  /** Why {@link serverFor} may know none. */
  get problem(): string {
    return this.#problem;
  }

  /** Whether all servers have been away for so long that waiting for one would be in vain. */
  get isAway(): boolean {
    return [...this.#servers.values()].every(({ isAway }) => isAway);
  }

  serverFor(slot: number): RedisServer | undefined {
    const range = this.#ranges.find(({ first, last }) => first <= slot && slot <= last);
    return range && this.#servers.get(addressName(range.owner));
  }

  /** Asks all servers at once and believes the first that answers. Never fails; what is known stays known. */
  refresh(): Promise<void> {
    return (this.#refreshing ??= this.#ask().finally(() => (this.#refreshing = undefined)));
  }

  close(): void {
    this.#isClosed = true;
    for (const server of this.#servers.values()) server.close();
  }

  async #ask(): Promise<void> {
    const deadline = new Deadline(this.#settings.timeoutMs / 2);
    try {
      const asked = [...this.#servers.values()].map((server) => this.#rangesBy(server));
      const ranges = await deadline.race(Promise.any(asked));
      if (this.#isClosed) return;
      if (ranges === undefined) this.#problem = 'no Redis server answered in time';
      else this.#adopt(ranges);
    } catch (error) {
      const causes: unknown[] = error instanceof AggregateError ? error.errors : [error];
      this.#problem = causes
        .map((cause) => (cause instanceof Error ? cause.message : String(cause)))
        .join('; ');
    } finally {
      deadline.end();
    }
  }

  async #rangesBy(server: RedisServer): Promise<readonly SlotRange[]> {
    const [reply] = await server.read([{ name: 'CLUSTER', args: ['SLOTS'] }]);
    if (reply?.kind === 'answered') return parseSlotRanges(reply.value, server.address);
    const message = reply?.message ?? 'no reply';
    if (reply?.kind !== 'refused') throw new Error(message);
    if (this.#settings.servers.length > 1) throw new Error(`several URLs are for a Cluster only: ${message}`);
    // Not part of a Cluster, or not allowed to say so: then this one has everything.
    return [{ ...EVERY_SLOT, owner: server.address }];
  }

  #adopt(ranges: readonly SlotRange[]): void {
    this.#ranges = ranges;
    this.#problem = 'no server of the Redis Cluster serves this part';
    for (const { owner } of ranges) this.#open(owner);
    // Those that the settings name are kept, to be asked when all others are gone.
    const wanted = new Set([...ranges.map(({ owner }) => owner), ...this.#settings.servers].map(addressName));
    for (const [name, server] of this.#servers) {
      if (wanted.has(name)) continue;
      server.close();
      this.#servers.delete(name);
    }
  }

  #open(address: ServerAddress): void {
    const name = addressName(address);
    if (!this.#servers.has(name)) this.#servers.set(name, new RedisServer(address, this.#settings));
  }
}
