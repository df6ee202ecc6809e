import type { BootId } from '@kvs/topology';
import type { BeaconAnswer } from './messages.js';

/** What a process knows of another one. All times are on the monotonic clock of this process. */
interface Peer {
  /** Until when this process has a lease from the peer, by `leaseNowMs`. */
  leaseUntilMs: number;
  /** When the peer last answered anything. */
  answeredMs: number;
  /** When the peer last sent a beacon. */
  heardMs: number;
  /** When this process last acknowledged a beacon or effects of the peer: for a grace after it, the peer may serve. */
  acknowledgedMs: number;
  isFull: boolean;
  /** The epochs at which this process asked to take over from the peer. It acknowledges nothing until all have passed. */
  withheld: Map<number, number> | undefined;
}

/** The leases that this process has from others, and those that it gave. */
export class Leases {
  readonly #peers = new Map<BootId, Peer>();
  readonly #leaseMs: number;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Notes the answer to a beacon. It is a lease unless it came from a process that knows more of the topology. */
  answered(from: BootId, { sentAtMs, isFull }: BeaconAnswer, isLease: boolean, nowMs: number): void {
    const peer = this.#peer(from);
    peer.answeredMs = nowMs;
    peer.isFull = isFull;
    if (isLease) peer.leaseUntilMs = Math.max(peer.leaseUntilMs, sentAtMs + this.#leaseMs);
  }

  /** Notes that a process has answered something else than a beacon. */
  isAlive(from: BootId, nowMs: number, isFull: boolean): void {
    const peer = this.#peer(from);
    peer.answeredMs = nowMs;
    peer.isFull = isFull;
  }

  leaseUntilMs(of: BootId): number {
    return this.#peers.get(of)?.leaseUntilMs ?? -Infinity;
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

  /** Forgets processes that were silent since a moment and that nothing refers to. */
  forget(sinceMs: number, isNeeded: (bootId: BootId) => boolean): void {
    for (const [bootId, peer] of this.#peers) {
      const lastMs = Math.max(peer.answeredMs, peer.heardMs, peer.acknowledgedMs);
      if (lastMs < sinceMs && peer.withheld === undefined && !isNeeded(bootId)) this.#peers.delete(bootId);
    }
  }

  #peer(bootId: BootId): Peer {
    let peer = this.#peers.get(bootId);
    if (peer === undefined) {
      peer = {
        leaseUntilMs: -Infinity,
        answeredMs: -Infinity,
        heardMs: -Infinity,
        acknowledgedMs: -Infinity,
        isFull: false,
        withheld: undefined,
      };
      this.#peers.set(bootId, peer);
    }
    return peer;
  }
}
