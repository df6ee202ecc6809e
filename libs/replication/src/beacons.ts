import type { BootId } from '@kvs/topology';
import type { Knowledge } from './knowledge.js';
import type { Beacon, BeaconAnswer } from './messages.js';
import type { NodeContext } from './node-context.js';

/** Asks other processes for leases by beacons, and gives leases by answering theirs. Both tell the time of the cluster (R19). */
export class Beacons {
  readonly #node: NodeContext;
  readonly #knowledge: Knowledge;
  readonly #leaseCame: () => void;
  /** Processes that get a beacon at the end of this step. */
  readonly #due = new Set<BootId>();
  #lastMs = -Infinity;

  /** @param leaseCame called when an answer has extended a lease */
  constructor(node: NodeContext, knowledge: Knowledge, leaseCame: () => void) {
    this.#node = node;
    this.#knowledge = knowledge;
    this.#leaseCame = leaseCame;
  }

  /** Sends a beacon to a process at the end of this step. */
  soon(to: BootId): void {
    this.#due.add(to);
  }

  /**
   * Has beacons sent to the targets, if the last ones were sent `beaconMs` ago.
   *
   * @param targets returns the processes from which this one needs leases
   */
  tick(targets: () => ReadonlySet<BootId>): void {
    const { ports, times } = this.#node;
    const nowMs = ports.nowMs();
    if (nowMs - this.#lastMs < times.beaconMs) return;
    this.#lastMs = nowMs;
    for (const copy of targets()) this.#due.add(copy);
  }

  /** Sends the beacons that are due. */
  flush(): void {
    if (this.#due.size === 0) return;
    const { ports, leases } = this.#node;
    const beacon: Beacon = { kind: 'beacon', sentAtMs: ports.leaseNowMs(), timeMs: ports.clock.nowMs() };
    for (const to of this.#due) {
      leases.asked(to, ports.nowMs());
      ports.send(to, beacon);
    }
    this.#due.clear();
  }

  /** Answers a beacon, unless this process withholds its acknowledgements from the sender. */
  answer(from: BootId, { sentAtMs, timeMs }: Beacon): void {
    const { ports, leases } = this.#node;
    const nowMs = ports.nowMs();
    this.#tellTime(timeMs);
    leases.heard(from, nowMs);
    if (leases.isWithheld(from)) return;
    leases.acknowledged(from, nowMs);
    ports.send(from, {
      kind: 'beaconAnswer',
      sentAtMs,
      timeMs: ports.clock.nowMs(),
      revision: this.#knowledge.revision,
      isFull: ports.engine.isFull(),
    });
  }

  /**
   * R9: an answer of a process that knows more is no lease yet, because this node may not be primary any more. The lease counts
   * once this node knows as much. Otherwise leases would end while the topology changes often.
   */
  answered(from: BootId, answer: BeaconAnswer): void {
    const { ports, leases } = this.#node;
    // This process has sent no such beacon, and the lease would last for years.
    if (answer.sentAtMs > ports.leaseNowMs()) return;
    this.#tellTime(answer.timeMs);
    const isBehind = answer.revision > this.#knowledge.wholeRevision && this.#node.follows('R9');
    leases.answered(from, answer, isBehind, ports.nowMs());
    if (isBehind) this.#node.catchUp();
    else this.#leaseCame();
  }

  #tellTime(timeMs: number): void {
    if (this.#node.follows('R19')) this.#node.ports.clock.raise(timeMs);
  }
}
