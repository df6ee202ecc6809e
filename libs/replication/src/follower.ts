import type { BootId } from '@kvs/topology';
import type { EffectsAnswer } from './messages.js';
import { FillSource } from './fill-source.js';
import type { NodeContext, PartitionData } from './node-context.js';
import { START_POSITION, type Position } from './position.js';

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
  #toldSettled = -1;
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
    this.progressMs = this.sinceMs;
    this.#stalledMs = this.sinceMs;
  }

  /** Whether answers wait for it. */
  get isRequired(): boolean {
    if (!this.isInSync)
      return this.isCounted && this.#node.has('R16') && (this.#node.has('R2') || this.#isAskedLately);
    return !this.isRemoving || this.#node.has('R5');
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
  send(epoch: number, settled: number): void {
    if (!this.receives) return;
    const { tail } = this.#data;
    this.#noteBeginning();
    while (this.#sent < tail.end.number && this.#sent - this.acknowledged < MAX_EFFECTS_IN_FLIGHT) {
      const previous = tail.positionOf(this.#sent);
      if (previous === undefined) return;
      const effects = tail.after(previous, MAX_MESSAGE_BYTES);
      this.#sent += effects.length;
      this.#message(epoch, settled, previous, effects);
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
  resend(epoch: number, settled: number): void {
    if (!this.receives) return;
    this.#stalledMs = this.#node.ports.nowMs();
    this.#stalledAt = this.acknowledged;
    this.#sent = Math.max(this.acknowledged, this.#data.tail.base.number);
    if (this.#sent >= this.#data.tail.end.number) this.poke(epoch, settled);
    else this.send(epoch, settled);
  }

  /** During a takeover: sends the effects after the position that the copy has confirmed. */
  bringUp(position: Position, epoch: number, settled: number): void {
    this.acknowledged = position.number;
    if (this.#sent >= position.number) {
      this.resendIfStalled(epoch, settled);
      return;
    }
    this.#sent = position.number;
    this.send(epoch, settled);
  }

  /** Asks for an acknowledgement now and then. */
  pokeSometimes(epoch: number, settled: number): void {
    const nowMs = this.#node.ports.nowMs();
    if (nowMs - this.#pokedMs < RESEND_MS) return;
    this.#pokedMs = nowMs;
    this.poke(epoch, settled);
  }

  /** Asks for an acknowledgement without sending an effect. */
  poke(epoch: number, settled: number): void {
    this.#message(epoch, settled, this.#data.tail.end, []);
  }

  /** Whether the copy keeps effects in its tail that nobody needs any more. */
  keepsSettled(settled: number): boolean {
    return this.isInSync && this.#toldSettled < settled;
  }

  /** Tells an idle copy what it may drop from its tail. During writes, the effects tell it. */
  tellSettled(epoch: number, settled: number): void {
    if (this.keepsSettled(settled) && this.#node.ports.nowMs() - this.#messagedMs > IDLE_MS)
      this.poke(epoch, settled);
  }

  /** Sends again if nothing was acknowledged for a while. */
  resendIfStalled(epoch: number, settled: number): void {
    const nowMs = this.#node.ports.nowMs();
    if (this.acknowledged >= this.#data.tail.end.number || this.acknowledged !== this.#stalledAt) {
      this.#stalledAt = this.acknowledged;
      this.#stalledMs = nowMs;
    } else if (nowMs - this.#stalledMs > RESEND_MS) this.resend(epoch, settled);
  }

  /** Notes an acknowledgement at the present epoch. Returns false if the copy can't be brought to where the primary is. */
  answered({ position, hasGap, epoch }: EffectsAnswer): boolean {
    const { tail } = this.#data;
    const isNewEpoch = this.fill?.isDone === true && epoch > this.acknowledgedEpoch;
    if (isNewEpoch || position.number > this.acknowledged) this.progressMs = this.#node.ports.nowMs();
    this.acknowledgedEpoch = epoch;
    if (!tail.has(position)) return position.number > tail.base.number ? false : !hasGap;
    this.acknowledged = Math.max(this.acknowledged, position.number);
    if (hasGap && position.number < this.#sent) this.#sent = position.number;
    return true;
  }

  close(): void {
    this.fill?.close();
  }

  #message(epoch: number, settled: number, previous: Position | undefined, effects: Effects): void {
    const { ports } = this.#node;
    this.#toldSettled = settled;
    this.#messagedMs = ports.nowMs();
    ports.send(this.bootId, {
      kind: 'effects',
      partition: this.#data.number,
      epoch,
      fillId: this.isInSync ? undefined : this.fill?.id,
      previous: previous ?? START_POSITION,
      effects,
      settled,
      highestVersion: ports.engine.highestVersion(this.#data.number),
    });
  }
}

type Effects = ReturnType<PartitionData['tail']['after']>;

const RESEND_MS = 500;
const IDLE_MS = 1000;
const MAX_EFFECTS_IN_FLIGHT = 10_000;
const MAX_MESSAGE_BYTES = 256 * 1024;
