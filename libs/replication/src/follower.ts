import type { BootId } from '@kvs/topology';
import type { Effect, EffectsAnswer } from './messages.js';
import { FillSource } from './fill-source.js';
import type { NodeContext, PartitionData } from './node-context.js';
import type { Position } from './position.js';

/** Another process with a copy of a partition, as the primary of the partition sees it. */
export class Follower {
  readonly bootId: BootId;
  isInSync: boolean;
  /**
   * Whether a learner is treated as an in-sync copy, because a request to add it may be granted at any moment (R16).
   */
  isCounted = false;
  /** Whether the primary has asked to remove the copy. It still counts until the topology says so (R5). */
  isRemoving = false;
  /** Since when the process has its role under this primary. */
  sinceMs: number;
  /** When a fill of the learner was last tried; at first, when it became the learner. */
  triedMs: number;
  /** The number up to which it has acknowledged effects; -1 before the first acknowledgement. */
  acknowledged = -1;
  /** The epoch of its last acknowledgement. */
  acknowledgedEpoch = -1;
  /** When it last acknowledged anything new of the partition, its fill began, or effects were sent when it lacked none. */
  progressMs: number;
  fill: FillSource | undefined;
  /** A learner is added only once it has acknowledged this number: all that was answered before it counted. */
  mark = 0;
  /** The number up to which effects were sent. */
  #sent = -1;
  /** What had been acknowledged when effects were last sent again, and when. */
  #stalledAt = -1;
  #stalledMs: number;
  /** The number that it had acknowledged when effects were last sent to it while it lacked none. */
  #begunAt = -1;
  #pokedMs = -Infinity;
  /** The number up to which the copy was told to drop effects. If the message was lost, it keeps them until the next one. */
  #toldTrim = -1;
  /** When the last message with or without effects was sent. */
  #messagedMs = -Infinity;
  #countedMs = -Infinity;
  readonly #node: NodeContext;
  readonly #data: PartitionData;

  constructor(node: NodeContext, data: PartitionData, bootId: BootId, isInSync: boolean) {
    this.bootId = bootId;
    this.isInSync = isInSync;
    this.#node = node;
    this.#data = data;
    this.sinceMs = node.ports.nowMs();
    this.triedMs = this.sinceMs;
    this.progressMs = this.sinceMs;
    this.#stalledMs = this.sinceMs;
  }

  /** Whether answers wait for it. */
  get isRequired(): boolean {
    if (!this.isInSync)
      return this.isCounted && this.#node.follows('R16') && (this.#node.follows('R2') || this.#isAskedLately);
    return !this.isRemoving || this.#node.follows('R5');
  }

  /** Without R2, a request without an answer counts as refused after a while. */
  get #isAskedLately(): boolean {
    return this.#node.ports.nowMs() - this.#countedMs < this.#node.times.ackTimeoutMs;
  }

  /** From now on, answers wait for the learner. */
  count(answered: number): void {
    this.isCounted = true;
    this.mark = answered;
    this.#countedMs = this.#node.ports.nowMs();
  }

  /** Whether effects go to it. */
  get receives(): boolean {
    return this.isInSync || this.isCounted || (this.fill !== undefined && this.fill.failure === undefined);
  }

  /** It has everything up to a position: a new primary has made sure of it. */
  agrees(position: Position): void {
    this.acknowledged = position.number;
    this.#sent = position.number;
    this.sinceMs = this.#node.ports.nowMs();
  }

  startFill(epoch: number): void {
    this.endFill();
    this.isCounted = false;
    this.progressMs = this.#node.ports.nowMs();
    this.acknowledged = this.#data.tail.end.number;
    this.#sent = this.acknowledged;
    this.acknowledgedEpoch = -1;
    this.fill = new FillSource(this.#node, this.#data, epoch, this.bootId);
  }

  endFill(): void {
    this.fill?.close();
    this.fill = undefined;
  }

  /** The entry has changed, which settles the requests about this follower that were made before. */
  entryChanged(isInSync: boolean): void {
    this.isRemoving = false;
    this.isCounted = false;
    this.progressMs = this.#node.ports.nowMs();
    if (!isInSync || this.isInSync) return;
    this.endFill();
    this.isInSync = true;
    this.sinceMs = this.#node.ports.nowMs();
  }

  /** Sends the effects that were not sent yet, as far as not too many are unacknowledged. */
  send(epoch: number, trimUpTo: number): void {
    if (!this.receives) return;
    const { tail } = this.#data;
    this.#noteBeginning();
    while (this.#sent < tail.end.number && this.#sent - this.acknowledged < MAX_EFFECTS_IN_FLIGHT) {
      const previous = tail.positionOf(this.#sent);
      if (previous === undefined) return;
      const effects = tail.after(previous, MAX_MESSAGE_BYTES);
      this.#sent += effects.length;
      this.#message(epoch, trimUpTo, previous, effects);
    }
  }

  /** A copy that lacks nothing owes no answer, so its time begins with the next effect. Sending again gives it no more time. */
  #noteBeginning(): void {
    const lacksNothing = this.#sent === this.acknowledged && this.#sent > this.#begunAt;
    if (!lacksNothing || this.#sent >= this.#data.tail.end.number) return;
    this.#begunAt = this.#sent;
    this.#stalledAt = this.#sent;
    this.#stalledMs = this.#node.ports.nowMs();
    this.progressMs = this.#stalledMs;
  }

  /** Sends again what is not acknowledged, or asks for the position. */
  resend(epoch: number, trimUpTo: number): void {
    if (!this.receives) return;
    this.#stalledMs = this.#node.ports.nowMs();
    this.#stalledAt = this.acknowledged;
    this.#sent = Math.max(this.acknowledged, this.#data.tail.base.number);
    if (this.#sent >= this.#data.tail.end.number) this.poke(epoch, trimUpTo);
    else this.send(epoch, trimUpTo);
  }

  /** During a takeover: sends the effects after the position that the copy has confirmed. */
  bringUp(position: Position, epoch: number, trimUpTo: number): void {
    this.acknowledged = position.number;
    if (this.#sent >= position.number) {
      this.resendIfStalled(epoch, trimUpTo);
      return;
    }
    this.#sent = position.number;
    this.send(epoch, trimUpTo);
  }

  /** Asks for an acknowledgement now and then. */
  pokeSometimes(epoch: number, trimUpTo: number): void {
    const nowMs = this.#node.ports.nowMs();
    if (nowMs - this.#pokedMs < RESEND_MS) return;
    this.#pokedMs = nowMs;
    this.poke(epoch, trimUpTo);
  }

  /** Asks for an acknowledgement without sending an effect. */
  poke(epoch: number, trimUpTo: number): void {
    this.#message(epoch, trimUpTo, this.#data.tail.end, []);
  }

  /** Whether the copy keeps effects in its tail that nobody needs any more. */
  keepsTrimmable(trimUpTo: number): boolean {
    return this.isInSync && this.#toldTrim < trimUpTo;
  }

  /** Tells an idle copy what it may drop from its tail. During writes, the effects tell it. */
  tellTrim(epoch: number, trimUpTo: number): void {
    if (this.keepsTrimmable(trimUpTo) && this.#node.ports.nowMs() - this.#messagedMs > IDLE_MS)
      this.poke(epoch, trimUpTo);
  }

  /** Sends again if nothing was acknowledged for a while. */
  resendIfStalled(epoch: number, trimUpTo: number): void {
    const nowMs = this.#node.ports.nowMs();
    if (this.acknowledged >= this.#data.tail.end.number || this.acknowledged !== this.#stalledAt) {
      this.#stalledAt = this.acknowledged;
      this.#stalledMs = nowMs;
    } else if (nowMs - this.#stalledMs > RESEND_MS) this.resend(epoch, trimUpTo);
  }

  /** Notes an acknowledgement at the present epoch. Returns false if the copy can't be brought to where the primary is. */
  answered({ position, hasGap, epoch }: EffectsAnswer): boolean {
    const { tail } = this.#data;
    const isNewEpoch = this.fill?.isDone === true && epoch > this.acknowledgedEpoch;
    if (isNewEpoch || position.number > this.acknowledged) this.progressMs = this.#node.ports.nowMs();
    this.acknowledgedEpoch = epoch;
    if (!tail.has(position)) return position.number <= tail.base.number && !hasGap;
    this.acknowledged = Math.max(this.acknowledged, position.number);
    if (hasGap && position.number < this.#sent) this.#sent = position.number;
    return true;
  }

  close(): void {
    this.fill?.close();
  }

  #message(epoch: number, trimUpTo: number, previous: Position, effects: readonly Effect[]): void {
    const { ports } = this.#node;
    this.#toldTrim = trimUpTo;
    this.#messagedMs = ports.nowMs();
    ports.send(this.bootId, {
      kind: 'effects',
      partition: this.#data.number,
      epoch,
      fillId: this.isInSync ? undefined : this.fill?.id,
      previous,
      effects,
      trimUpTo,
      highestVersion: ports.engine.highestVersion(this.#data.number),
    });
  }
}

const RESEND_MS = 500;
const IDLE_MS = 1000;
const MAX_EFFECTS_IN_FLIGHT = 10_000;
const MAX_MESSAGE_BYTES = 256 * 1024;
