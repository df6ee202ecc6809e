import type { Random } from '@kvs-tools/cluster-simulation';
import { FAULT_KINDS, HARM, serversOf, type Fault, type FaultKind, type FaultTimes } from './fault.js';

/** The cluster that faults are drawn for. */
export interface Targets {
  readonly nodes: readonly string[];
  readonly proxies: readonly string[];
  readonly copies: number;
}

/** Draws rounds of faults. Each kind occurs once before one occurs again, in an order of its own. */
export class RoundDrawer {
  readonly #random: Random;
  #kinds: FaultKind[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Returns faults that may come at once: an in-sync copy of each partition survives them, because they harm fewer copies than
   * there are. They concern different servers.
   */
  next(targets: Targets): Fault[] {
    const first = this.#nextKind();
    const second = this.#peekKind();
    const changesNodesTwice = changesNodes(first) && changesNodes(second);
    if (HARM[first] + HARM[second] >= targets.copies || changesNodesTwice || this.#random.chance(0.5))
      return this.draw([first], targets);
    return this.draw([first, this.#nextKind()], targets);
  }

  /** Returns a round of faults of these kinds. */
  draw(kinds: readonly FaultKind[], targets: Targets): Fault[] {
    const round: Fault[] = [];
    for (const kind of kinds) round.push(this.#draw(kind, targets, round));
    return round;
  }

  #draw(kind: FaultKind, { nodes, proxies }: Targets, others: readonly Fault[]): Fault {
    const random = this.#random;
    const concerned = others.flatMap(serversOf);
    const pick = (servers: readonly string[]): string => {
      const server = random.pick(servers.filter((name) => !concerned.includes(name)));
      if (server === undefined) throw new TypeError('a round has more faults than there are servers');
      concerned.push(server);
      return server;
    };
    const times: FaultTimes = {
      afterMs: others.length === 0 ? 0 : random.between(0, MAX_DELAY_MS),
      lastsMs: random.between(MIN_FAULT_MS, MAX_FAULT_MS),
    };
    switch (kind) {
      case 'join':
        return { kind, ...times };
      case 'cut':
      case 'stall':
      case 'stallOneWay':
        return { kind, server: pick(nodes), other: pick(nodes), ...times };
      case 'killProxy':
        return { kind, server: pick(proxies), ...times };
      default:
        return { kind, server: pick(nodes), ...times };
    }
  }

  #nextKind(): FaultKind {
    const kind = this.#peekKind();
    this.#kinds.shift();
    return kind;
  }

  #peekKind(): FaultKind {
    if (this.#kinds.length === 0) this.#kinds = this.#shuffled();
    return this.#kinds[0] ?? 'kill';
  }

  #shuffled(): FaultKind[] {
    return FAULT_KINDS.map((kind) => ({ kind, at: this.#random.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ kind }) => kind);
  }
}

function changesNodes(kind: FaultKind): boolean {
  return kind === 'join' || kind === 'drain';
}

const MIN_FAULT_MS = 1000;
const MAX_FAULT_MS = 6000;
/** How much later than the first fault of a round the second one comes. */
const MAX_DELAY_MS = 3000;
