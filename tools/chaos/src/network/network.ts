import { Relay } from './relay.js';

/** How the network fails, between two servers. */
export interface NetworkFault {
  /** `cut` breaks connections and refuses new ones. `stall` lets bytes wait. */
  readonly kind: 'cut' | 'stall';
  /** Whether it concerns what goes from the one server to the other. */
  concerns(from: string, to: string): boolean;
}

/**
 * The network between servers that know each other only by the addresses of relays. A connection is from the node whose boot id
 * its first bytes have: the hello of a link, and requests about the cluster. All others count as those of a proxy.
 */
export class Network {
  readonly #relays = new Set<Relay>();
  readonly #faults = new Set<NetworkFault>();
  readonly #names = new Map<string, string>();

  /** Opens the relay of a server. */
  async relayTo(name: string): Promise<Relay> {
    const relay = await Relay.start(name, {
      sourceIn: (firstBytes) => this.#sourceIn(firstBytes, name),
      isCut: (one, other) => this.#fails('cut', one, other) || this.#fails('cut', other, one),
      isStalled: (from, to) => this.#fails('stall', from, to),
    });
    this.#relays.add(relay);
    return relay;
  }

  /** Notes which node has a boot id. */
  learn(bootId: string, name: string): void {
    this.#names.set(bootId, name);
  }

  /** @returns a function that heals it */
  fail(fault: NetworkFault): () => void {
    this.#faults.add(fault);
    this.#update();
    return () => {
      this.#faults.delete(fault);
      this.#update();
    };
  }

  close(): void {
    for (const relay of this.#relays) relay.close();
  }

  #update(): void {
    for (const relay of this.#relays) relay.update();
  }

  #fails(kind: NetworkFault['kind'], from: string, to: string): boolean {
    for (const fault of this.#faults) if (fault.kind === kind && fault.concerns(from, to)) return true;
    return false;
  }

  /** The boot id that comes first names the source. A proxy names nobody but the node that it asks. */
  #sourceIn(firstBytes: string, to: string): string | undefined {
    const found = [...this.#names]
      .map(([bootId, name]) => ({ name, at: firstBytes.indexOf(bootId) }))
      .filter(({ name, at }) => at !== -1 && name !== to);
    return found.sort((a, b) => a.at - b.at)[0]?.name;
  }
}

/** A fault between some servers and others, in both directions or from the first to the second. */
export function between(
  kind: NetworkFault['kind'],
  some: readonly string[],
  others: readonly string[],
  direction: 'both' | 'there' = 'both',
): NetworkFault {
  return {
    kind,
    concerns: (from, to) =>
      (some.includes(from) && others.includes(to)) ||
      (direction === 'both' && others.includes(from) && some.includes(to)),
  };
}
