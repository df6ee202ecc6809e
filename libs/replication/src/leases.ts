import type { BootId } from '@kvs/topology';
import type { BeaconAnswer } from './messages.js';

/** What a process knows of another one. All times are on the monotonic clock of this process. */
interface Peer {
  /** Until when this process has a lease from the peer, by `leaseNowMs`. */
  leaseUntilMs: number;
  /** When the peer last answered anything. */
  answeredMs: number;
  /** When this process sent the first beacon since then; undefined if it sent none. */
  askedMs: number | undefined;
  /** When the peer last sent a beacon. */
  heardMs: number;
  /** When this process last acknowledged a beacon of the peer: for a grace after it, the peer may serve. */
  acknowledgedMs: number;
  isFull: boolean;
  /** The epochs at which this process asked to take over from the peer. It acknowledges nothing until all have passed. */
  withheld: Map<number, number> | undefined;
  /** Its last answers from times when it knew more of the topology than this process. */
  early: BeaconAnswer[];
}

/** The leases that this process has from others, and those that it gave. */
export class Leases {
  readonly #peers = new Map<BootId, Peer>();
  readonly #leaseMs: number;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * Notes the answer to a beacon.
   *
   * @param isEarly whether it came from a process that knows more of the topology. Such an answer is no lease before
   * {@link caughtUp}
   */
  answered(from: BootId, answer: BeaconAnswer, isEarly: boolean, nowMs: number): void {
    this.noteAnswer(from, answer.isFull, nowMs);
    const peer = this.#peer(from);
    if (!isEarly) this.#extend(peer, answer);
    else peer.early = [...peer.early.slice(1 - MAX_EARLY), answer];
  }

  /**
   * This process knows the topology up to a revision. Early answers of that revision are leases now, as if they had only just
   * come. Returns whether there were any.
   */
  caughtUp(revision: number): boolean {
    let hasTimely = false;
    for (const peer of this.#peers.values()) {
      const timely = peer.early.filter((answer) => answer.revision <= revision);
      if (timely.length === 0) continue;
      hasTimely = true;
      peer.early = peer.early.filter((answer) => answer.revision > revision);
      for (const answer of timely) this.#extend(peer, answer);
    }
    return hasTimely;
  }

  /**
   * Forgets processes that have no part in the cluster any more, except those that this one has acknowledged of late: a lease of
   * them may still be valid.
   */
  forget(isPart: (bootId: BootId) => boolean, sinceMs: number): void {
    for (const [bootId, { acknowledgedMs, withheld }] of this.#peers)
      if (!isPart(bootId) && acknowledgedMs < sinceMs && withheld === undefined) this.#peers.delete(bootId);
  }

  /** How many processes are known. */
  get size(): number {
    return this.#peers.size;
  }

  /**
   * Returns whether nothing more can be known of a process, because {@link MAX_PEERS} others are known. Anybody can make up boot
   * ids, so such a process counts only if the topology has it.
   */
  isFullFor(bootId: BootId): boolean {
    return this.#peers.size >= MAX_PEERS && !this.#peers.has(bootId);
  }

  /** Notes that a process has answered a beacon or effects. */
  noteAnswer(from: BootId, isFull: boolean, nowMs: number): void {
    const peer = this.#peer(from);
    peer.answeredMs = nowMs;
    peer.askedMs = undefined;
    peer.isFull = isFull;
  }

  leaseUntilMs(of: BootId): number {
    return this.#peers.get(of)?.leaseUntilMs ?? -Infinity;
  }

  /** Notes that this process sends a beacon. */
  asked(to: BootId, nowMs: number): void {
    this.#peer(to).askedMs ??= nowMs;
  }

  /** Returns for how long a process has owed an answer to a beacon: while this process stood still, it sent none. */
  silentMs(by: BootId, nowMs: number): number {
    return nowMs - (this.#peers.get(by)?.askedMs ?? nowMs);
  }

  answeredMs(by: BootId): number {
    return this.#peers.get(by)?.answeredMs ?? -Infinity;
  }

  isFull(bootId: BootId): boolean {
    return this.#peers.get(bootId)?.isFull === true;
  }

  heard(from: BootId, nowMs: number): void {
    this.#peer(from).heardMs = nowMs;
  }

  heardMs(from: BootId): number {
    return this.#peers.get(from)?.heardMs ?? -Infinity;
  }

  acknowledged(to: BootId, nowMs: number): void {
    this.#peer(to).acknowledgedMs = nowMs;
  }

  /** Returns the processes that this one has acknowledged after a moment. */
  acknowledgedSince(sinceMs: number): BootId[] {
    return [...this.#peers].flatMap(([bootId, peer]) => (peer.acknowledgedMs > sinceMs ? [bootId] : []));
  }

  /** Returns whether nothing of a process must be acknowledged, because this one asked to take its place. */
  isWithheld(from: BootId): boolean {
    return this.#peers.get(from)?.withheld !== undefined;
  }

  withhold(from: BootId, partition: number, epoch: number): void {
    const peer = this.#peer(from);
    peer.withheld ??= new Map();
    peer.withheld.set(partition, epoch);
  }

  /** An entry has changed. Acknowledgements go on if it was the last that this process asked for. */
  settle(partition: number, epoch: number): void {
    for (const peer of this.#peers.values()) {
      const asked = peer.withheld?.get(partition);
      if (asked === undefined || asked >= epoch) continue;
      peer.withheld?.delete(partition);
      if (peer.withheld?.size === 0) peer.withheld = undefined;
    }
  }

  #extend(peer: Peer, { sentAtMs }: BeaconAnswer): void {
    peer.leaseUntilMs = Math.max(peer.leaseUntilMs, sentAtMs + this.#leaseMs);
  }

  #peer(bootId: BootId): Peer {
    let peer = this.#peers.get(bootId);
    if (peer === undefined) {
      peer = {
        leaseUntilMs: -Infinity,
        answeredMs: -Infinity,
        askedMs: undefined,
        heardMs: -Infinity,
        acknowledgedMs: -Infinity,
        isFull: false,
        withheld: undefined,
        early: [],
      };
      this.#peers.set(bootId, peer);
    }
    return peer;
  }
}

/** Nodes of the topology are not limited. */
export const MAX_PEERS = 1000;

/** A lease lasts for about four beacons. */
const MAX_EARLY = 8;
