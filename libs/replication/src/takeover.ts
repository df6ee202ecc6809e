import type { BootId, PartitionEntry } from '@kvs/topology';
import type { ConfirmedTail } from './messages.js';
import type { NodeContext, PartitionData } from './node-context.js';
import { isSame, type Position } from './position.js';
import { agree, Tail } from './tail.js';

/** An in-sync copy that has confirmed the epoch. */
interface Confirmed {
  position: Position;
  readonly tail: Tail;
}

/**
 * What a new primary does before it serves (R12). Every other in-sync copy must have confirmed the epoch and an equal position, and
 * every process that may still hold a lease from this one must have confirmed the epoch too, or its lease must have ended.
 */
export class Takeover {
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  readonly #entry: PartitionEntry;
  readonly #startedMs: number;
  #sentMs = -Infinity;
  readonly #copies = new Map<BootId, Confirmed>();
  /** All processes that know the epoch, copies or not. */
  readonly #informed = new Set<BootId>();

  constructor(node: NodeContext, data: PartitionData, entry: PartitionEntry) {
    this.#node = node;
    this.#data = data;
    this.#entry = entry;
    this.#startedMs = node.ports.nowMs();
  }

  /** Whether messages or requests are to be repeated. */
  tick(): void {
    const { ports, times } = this.#node;
    if (ports.nowMs() - this.#sentMs < times.repeatMs) return;
    this.#sentMs = ports.nowMs();
    const { number: partition } = this.#data;
    const position = ports.engine.position(partition);
    for (const to of new Set([...this.#others, ...this.#mayHoldLease])) {
      if (!this.#informed.has(to))
        ports.send(to, { kind: 'newPrimary', partition, entry: this.#entry, position });
    }
  }

  /** @param confirmed undefined if the process is no in-sync copy */
  confirmed(from: BootId, confirmed: ConfirmedTail | undefined): void {
    this.#informed.add(from);
    if (confirmed === undefined || !this.#entry.inSync.includes(from)) return;
    const tail = new Tail(confirmed.base);
    for (const effect of confirmed.effects) tail.push(effect);
    this.#copies.set(from, { position: tail.end, tail });
  }

  /** A copy has applied effects that this takeover sent. */
  applied(from: BootId, position: Position): void {
    const copy = this.#copies.get(from);
    if (copy !== undefined && this.#data.tail.has(position)) copy.position = position;
  }

  /**
   * Returns whether the primary may serve now. Otherwise asks for what is missing.
   *
   * @param send sends effects after a position to a copy
   */
  isOver(send: (to: BootId, after: Position) => void): boolean {
    if (!this.#data.queue.isIdle) return false;
    if (!this.#node.follows('R12')) return true;
    return this.#haveConfirmed() && this.#areEqual(send) && this.#leasesHaveEnded();
  }

  /** Whether another copy may try instead, because this process may reach too few others. */
  get isLong(): boolean {
    return this.#ageMs > 2 * this.#node.times.graceMs;
  }

  get #others(): readonly BootId[] {
    return this.#entry.inSync.filter((copy) => copy !== this.#node.bootId);
  }

  get #ageMs(): number {
    return this.#node.ports.nowMs() - this.#startedMs;
  }

  /**
   * The processes that this one has acknowledged so lately that they may have a lease. There may be several former primaries. An
   * acknowledgement since this process has known of its role is no lease, because it carries the revision (R9).
   */
  get #mayHoldLease(): readonly BootId[] {
    const { leases, ports, times } = this.#node;
    const sinceMs = ports.nowMs() - times.graceMs;
    return this.#data.sinceMs > sinceMs ? leases.acknowledgedSince(sinceMs) : [];
  }

  #haveConfirmed(): boolean {
    const missing = this.#others.filter((copy) => !this.#copies.has(copy));
    if (missing.length === 0) return true;
    const ended = missing.find((copy) => this.#node.hasEnded(copy));
    const silent = missing.find((copy) => copy === this.#data.former && this.#isSilent(copy));
    const late = missing.find((copy) => this.#ageMs > this.#patienceMs(copy));
    this.#remove(ended ?? silent ?? late);
    return false;
  }

  /** A partition that was never written to waits for the first contact with its copies, because no pair is missed meanwhile. */
  #patienceMs(copy: BootId): number {
    const { leases, times } = this.#node;
    const isUnknown = Math.max(leases.heardMs(copy), leases.answeredMs(copy)) === -Infinity;
    return isUnknown && this.#data.tail.end.number === 0 ? times.firstContactMs : times.graceMs;
  }

  /** A process that has ended would not confirm the epoch either. So the time in which it was silent is not waited for twice. */
  #isSilent(former: BootId): boolean {
    const { leases, ports, times } = this.#node;
    const heardMs = leases.heardMs(former);
    return heardMs > -Infinity && ports.nowMs() - heardMs > times.graceMs;
  }

  /** Takes the longest tail first, and then brings the others to it. */
  #areEqual(send: (to: BootId, after: Position) => void): boolean {
    const { tail } = this.#data;
    for (const [copy, { tail: other }] of this.#copies) {
      if (agree(tail, other)) continue;
      this.#remove(copy, 'its effects differ from those of the primary');
      return false;
    }
    const [first] = [...this.#copies].sort(([, x], [, y]) => y.tail.end.number - x.tail.end.number);
    if (first !== undefined && first[1].tail.end.number > tail.end.number) {
      this.#adopt(first[1].tail);
      if (this.#ageMs > 2 * this.#node.times.ackTimeoutMs)
        this.#remove(first[0], 'the new primary cannot store its last effects');
      return false;
    }
    return this.#bringUp(send);
  }

  #bringUp(send: (to: BootId, after: Position) => void): boolean {
    const { tail } = this.#data;
    const behind = [...this.#copies].filter(([, { position }]) => !isSame(position, tail.end));
    for (const [copy, { position }] of behind) send(copy, position);
    const [first] = behind[0] ?? [];
    if (first !== undefined && this.#ageMs > 2 * this.#node.times.ackTimeoutMs)
      this.#remove(first, 'it did not apply the effects of the new primary');
    return behind.length === 0;
  }

  /** Applies the effects that only another copy has. If that fails, they are tried again later. */
  #adopt(longest: Tail): void {
    const { tail, queue, number: partition } = this.#data;
    const { engine } = this.#node.ports;
    const effects = longest.after(tail.end);
    for (const effect of effects) tail.push(effect);
    const highest = effects.reduce((most, { entry }) => Math.max(most, entry?.version ?? 0), 0);
    queue.run((next) =>
      engine.apply(partition, effects, highest, (result) => {
        if (result !== 'applied') tail.cut(engine.position(partition).number);
        next();
      }),
    );
  }

  #leasesHaveEnded(): boolean {
    const { isNewBootId, startedMs, ports, times } = this.#node;
    if (!isNewBootId && ports.nowMs() - startedMs < times.graceMs) return false;
    return this.#mayHoldLease.every((bootId) => this.#informed.has(bootId));
  }

  /** @param reason why no copy should be made there at once; undefined if the process was only silent, so that it may come back */
  #remove(copy: BootId | undefined, reason?: string): void {
    if (copy === undefined) return;
    const { requests, bootId } = this.#node;
    const change = { kind: 'remove', by: bootId, copy } as const;
    if (requests.ask(this.#data.number, this.#entry.epoch, change) && reason !== undefined)
      this.#node.noteFailure(this.#data.number, copy, reason);
  }
}
