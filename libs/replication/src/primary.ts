import type { KeyId } from '@kvs/protocol';
import type { BootId, PartitionEntry } from '@kvs/topology';
import { Filling } from './filling.js';
import type { Follower } from './follower.js';
import { Followers } from './followers.js';
import type { Confirmation, EffectsAnswer, FillAnswer, FillChunkAnswer } from './messages.js';
import type { NodeContext, PartitionData } from './node-context.js';
import { ParkedCalls } from './parked-calls.js';
import { PendingAnswers, type WriteInFlight } from './pending-answers.js';
import type { Position } from './position.js';
import type { ReadAnswer, Refusal, WriteAnswer, WriteBatch } from './ports.js';
import { pushEffects } from './push-effects.js';
import { FULL, NO_VERSIONS, NOT_PRIMARY, TAKING_OVER, UNDER_REPLICATED, WRONG_NODE } from './refusals.js';
import type { Urgency } from './requests.js';
import { MAX_CALL_WAIT_MS, SHARE_OF_TAIL_BYTES, SLOW_NODE_TAIL_BYTES, SLOW_TAIL_BYTES } from './settings.js';
import { Takeover } from './takeover.js';
import { Tail } from './tail.js';

/** A partition of which this node is the primary. */
export class Primary {
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  #entry: PartitionEntry;
  /** What is missing before the node serves; undefined while it serves. */
  #takeover: Takeover | undefined;
  readonly #followers: Followers;
  readonly #answers: PendingAnswers;
  readonly #filling: Filling;
  /** The copy that is to become primary, while calls are parked for it (R14). */
  #handOver: { readonly to: BootId; readonly sinceMs: number } | undefined;
  readonly #parked: ParkedCalls;
  #isClosed = false;

  constructor(node: NodeContext, data: PartitionData, entry: PartitionEntry) {
    this.#node = node;
    this.#data = data;
    this.#entry = entry;
    this.#followers = new Followers(node, data);
    this.#answers = new PendingAnswers(node, () => this.#followers.haveGivenLeases());
    this.#filling = new Filling(node, data, this.#followers, this.#answers);
    this.#parked = new ParkedCalls(node.ports.nowMs);
    this.#takeover = new Takeover(node, data, entry);
    this.#followers.follow(this.#entry);
    this.#advanceTakeover();
  }

  get isServing(): boolean {
    return this.#takeover === undefined && this.#handOver === undefined && this.#followers.haveGivenLeases();
  }

  /** How many effects the slowest copy lacks. */
  get lag(): number {
    return this.#data.tail.end.number - this.#followers.acknowledged;
  }

  get followers(): Iterable<Follower> {
    return this.#followers;
  }

  /** Whether the primary waits for anything, so that it must be called now and then. */
  get isBusy(): boolean {
    if (this.#takeover !== undefined || this.#handOver !== undefined || !this.#parked.isEmpty) return true;
    if (!this.#answers.isEmpty || this.#node.requests.isPending(this.#data.number)) return true;
    const { end } = this.#data.tail;
    for (const follower of this.#followers) {
      const isBehind = follower.acknowledged < end.number;
      if (!follower.isInSync || follower.isRemoving || isBehind || follower.keepsTrimmable(end.number))
        return true;
    }
    return false;
  }

  /** Adds the processes from which this node needs leases. During a takeover, beacons keep them from taking over too. */
  addBeaconTargets(targets: Set<BootId>): void {
    if (this.#takeover?.isLong === true) return;
    for (const follower of this.#followers)
      if (follower.isInSync || follower.isCounted) targets.add(follower.bootId);
  }

  /** The entry has changed, and this node is still its primary. */
  entryChanged(entry: PartitionEntry): void {
    this.#entry = entry;
    this.#followers.follow(this.#entry);
    if (this.#takeover !== undefined) {
      this.#takeover = new Takeover(this.#node, this.#data, entry);
      this.#advanceTakeover();
      return;
    }
    this.#handOver = undefined;
    if (entry.inSync.length < this.#minInSync)
      this.#answers.failWrites('too few copies are in sync, and the write was sent to some');
    for (const follower of this.#followers) {
      this.#tell(follower.bootId);
      follower.resend(entry.epoch, this.#followers.trimUpTo);
    }
    this.#progress();
    this.#parked.advance(() => this.#mayBegin);
  }

  /** This node is not the primary any more. The copies learn of it at once, so that they need not poll (R14). */
  deposed(entry: PartitionEntry): void {
    this.#isClosed = true;
    this.#followers.close();
    for (const { bootId } of this.#followers) if (entry.inSync.includes(bootId)) this.#tell(bootId, entry);
    this.#answers.close();
    this.#parked.advance(() => this.#mayBegin);
  }

  /** Called about every 100 ms while the primary is busy. */
  tick(): void {
    if (this.#takeover !== undefined) {
      this.#advanceTakeover();
      return;
    }
    this.#progress();
    const { trimUpTo } = this.#followers;
    for (const follower of this.#followers) {
      if (follower.isInSync) this.#watch(follower);
      else this.#filling.advance(follower, this.#entry, this.#isSlowed);
      follower.resendIfStalled(this.#entry.epoch, trimUpTo);
      follower.tellTrim(this.#entry.epoch, trimUpTo);
    }
    this.#node.requests.settleOverdue(this.#data.number, this.#entry.epoch);
    // No proxy has answered. The leases are still valid, and a late promotion is like one that was not planned.
    const sinceMs = this.#handOver?.sinceMs ?? Infinity;
    if (this.#node.ports.nowMs() - sinceMs > MAX_CALL_WAIT_MS) this.#handOver = undefined;
    this.#parked.advance(() => this.#mayBegin);
  }

  write(batch: WriteBatch, done: (answer: WriteAnswer) => void): void {
    const refusal = this.#refusal() ?? this.#refusalOfWrite(batch);
    if (refusal !== undefined) {
      done(refusal);
      return;
    }
    if (this.#isSealed || this.#isSlowed) {
      this.#parked.park(() => this.write(batch, done), done);
      return;
    }
    const write = this.#answers.begin(batch, done);
    const { epoch } = this.#entry;
    this.#data.queue.run((next) => {
      if (this.#isClosed) next();
      else this.#writeToEngine(write, epoch, next);
    });
  }

  #writeToEngine(write: WriteInFlight, epoch: number, next: () => void): void {
    const { ports } = this.#node;
    const { number: partition, tail } = this.#data;
    ports.engine.write(partition, write.batch, epoch, (result) => {
      if (result === undefined) {
        if (!this.#isClosed) this.#forgetTail();
        // Reads of its keys wait until the copies that may lack it are removed.
        write.finish(undefined, this.#data.tail.end.number, ports.nowMs());
        write.fail('the storage engine did not say whether it wrote');
      } else {
        pushEffects(tail, write.batch, result, epoch, ports.engine.evicts);
        write.finish(result, tail.end.number, ports.nowMs());
      }
      if (!this.#isClosed) {
        this.#sendEffects();
        this.#progress();
      }
      next();
    });
  }

  read<T>(
    keys: readonly KeyId[] | 'all',
    run: (done: (result: T) => void) => void,
    done: (answer: ReadAnswer<T>) => void,
  ): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      done(refusal);
      return;
    }
    if (this.#isSealed) {
      this.#parked.park(() => this.read(keys, run, done), done);
      return;
    }
    run((result) => {
      if (this.#isClosed) done(WRONG_NODE);
      else if (this.#answers.hold(keys, result, done)) this.#node.touch(this.#data.number);
    });
  }

  /** Gives the partition to a copy: waits for the calls in flight, and then asks. Returns whether it can begin. */
  handOver(to: BootId): boolean {
    const isReady = this.#takeover === undefined && this.#handOver === undefined;
    if (!isReady || !this.#entry.inSync.includes(to) || to === this.#node.bootId) return false;
    if (this.#node.requests.isPending(this.#data.number)) return false;
    this.#handOver = { to, sinceMs: this.#node.ports.nowMs() };
    this.#advanceHandOver();
    return true;
  }

  /** Removes an in-sync copy that is one too many. */
  removeSurplus(copy: BootId): void {
    const follower = this.#followers.get(copy);
    if (this.#takeover === undefined && follower?.isInSync === true) this.#remove(follower, 'soon');
  }

  confirmed(from: BootId, message: Confirmation): void {
    if (message.epoch !== this.#entry.epoch) return;
    this.#takeover?.confirmed(from, message.tail);
    this.#advanceTakeover();
  }

  effectsAnswered(from: BootId, message: EffectsAnswer): void {
    const follower = this.#followers.get(from);
    if (follower === undefined || message.epoch !== this.#entry.epoch) return;
    if (this.#takeover !== undefined) {
      this.#takeover.applied(from, message.position);
      this.#advanceTakeover();
      return;
    }
    if (!follower.isInSync && message.fillId !== follower.fill?.id) return;
    const isSound = message.failure === undefined && follower.answered(message);
    if (!isSound) this.#lose(follower, message.failure ?? 'its effects differ from those of the primary');
    else follower.send(this.#entry.epoch, this.#followers.trimUpTo);
    this.#progress();
    this.#parked.advance(() => this.#mayBegin);
  }

  fillChunkAnswered(from: BootId, { fillId, number, failure }: FillChunkAnswer): void {
    const follower = this.#followers.get(from);
    if (follower?.fill?.id !== fillId) return;
    follower.progressMs = this.#node.ports.nowMs();
    follower.fill.chunkAnswered(number, failure);
  }

  fillAnswered(from: BootId, { fillId }: FillAnswer): void {
    const follower = this.#followers.get(from);
    if (follower?.fill?.id !== fillId) return;
    follower.progressMs = this.#node.ports.nowMs();
    follower.fill.answered();
    this.#filling.advance(follower, this.#entry, this.#isSlowed);
  }

  /** A connection to a process is there again. */
  peerUp(bootId: BootId): void {
    const follower = this.#followers.get(bootId);
    if (this.#takeover !== undefined || follower === undefined) return;
    if (follower.acknowledged < this.#data.tail.end.number)
      follower.resend(this.#entry.epoch, this.#followers.trimUpTo);
  }

  peerDown(bootId: BootId): void {
    const fill = this.#followers.get(bootId)?.fill;
    if (fill?.isDone === false) fill.fail('the connection broke');
  }

  leaseCame(): void {
    if (this.#takeover === undefined && !this.#answers.isEmpty) this.#progress();
  }

  get #minInSync(): number {
    return this.#node.topology?.minInSync ?? 1;
  }

  get #isSealed(): boolean {
    return this.#handOver !== undefined && this.#node.follows('R14');
  }

  get #mayBegin(): boolean {
    return this.#isClosed || !(this.#isSealed || this.#isSlowed);
  }

  /** Whether writers wait, because copies lack much (R20). */
  get #isSlowed(): boolean {
    const { bytes } = this.#data.tail;
    return (
      bytes > SLOW_TAIL_BYTES || (bytes > SHARE_OF_TAIL_BYTES && this.#node.tailBytes > SLOW_NODE_TAIL_BYTES)
    );
  }

  #refusal(): Refusal | undefined {
    if (this.#isClosed) return WRONG_NODE;
    return this.#takeover === undefined ? undefined : TAKING_OVER;
  }

  #refusalOfWrite({ kind, items }: WriteBatch): Refusal | undefined {
    if (!this.#followers.haveGivenLeases()) return NOT_PRIMARY;
    const { topology, ports } = this.#node;
    if (this.#entry.inSync.length < this.#minInSync) return UNDER_REPLICATED;
    const highest = ports.engine.highestVersion(this.#data.number);
    const next = Math.max(highest, ports.clock.nowMs() * 1000) + items.length + VERSION_MARGIN;
    if (topology !== undefined && next > topology.versionCeiling) {
      this.#node.catchUp();
      return NO_VERSIONS;
    }
    return kind === 'set' && this.#followers.isFull ? FULL : undefined;
  }

  #sendEffects(): void {
    const { trimUpTo } = this.#followers;
    for (const follower of this.#followers) follower.send(this.#entry.epoch, trimUpTo);
  }

  /** Nobody knows what the engine wrote: copies can't follow, and are filled anew (R4). */
  #forgetTail(): void {
    const { ports } = this.#node;
    this.#data.tail = new Tail(ports.engine.position(this.#data.number));
    for (const follower of this.#followers)
      this.#lose(follower, 'the storage engine of the primary did not say whether it wrote');
  }

  #progress(): void {
    if (this.#takeover !== undefined || this.#isClosed) return;
    this.#answers.release(this.#followers.acknowledged);
    this.#data.tail.trim(this.#followers.trimUpTo);
    this.#advanceHandOver();
  }

  #advanceTakeover(): void {
    const takeover = this.#takeover;
    if (takeover === undefined) return;
    takeover.tick();
    const { number: partition, tail } = this.#data;
    const { epoch } = this.#entry;
    const isOver = takeover.isOver((to, after) => this.#bringUp(to, after));
    if (!isOver) {
      this.#node.requests.settleOverdue(partition, epoch);
      return;
    }
    this.#takeover = undefined;
    for (const follower of this.#followers) {
      if (follower.isInSync && this.#node.follows('R12')) follower.agrees(tail.end);
      this.#node.beaconSoon(follower.bootId);
    }
    this.#progress();
    for (const follower of this.#followers)
      if (follower.isInSync) follower.resend(epoch, this.#followers.trimUpTo);
  }

  /** Sends effects to a copy that lacks them, during a takeover. */
  #bringUp(to: BootId, after: Position): void {
    const follower = this.#followers.get(to);
    if (follower === undefined) return;
    follower.bringUp(after, this.#entry.epoch, this.#data.tail.base.number);
  }

  /**
   * Removes a copy that has ended, or does not acknowledge effects or beacons. If this process stood still, the acknowledgements
   * may be in its input: it reads that first.
   */
  #watch(follower: Follower): void {
    if (follower.isRemoving) this.#remove(follower);
    else if (this.#isFailing(follower)) {
      this.#node.ports.afterInput(follower.bootId, () => {
        const isInUse = !this.#isClosed && follower.isInSync && !follower.isRemoving;
        if (!isInUse || !this.#isFailing(follower)) return;
        this.#node.noteRemoval(follower.bootId);
        this.#remove(follower);
      });
    }
  }

  #isFailing(follower: Follower): boolean {
    const { ports, times, leases } = this.#node;
    if (this.#node.hasEnded(follower.bootId)) return true;
    const nowMs = ports.nowMs();
    const waitsSinceMs = this.#answers.oldestMs(follower.acknowledged);
    const isLate = nowMs - Math.max(waitsSinceMs ?? nowMs, follower.sinceMs) > times.ackTimeoutMs;
    const silentMs = Math.min(leases.silentMs(follower.bootId, nowMs), nowMs - follower.sinceMs);
    return isLate || silentMs > times.leaseMs - times.beaconMs + times.repeatMs / 2;
  }

  #lose(follower: Follower, reason: string): void {
    if (follower.isInSync) {
      this.#node.noteFailure(this.#data.number, follower.bootId, reason);
      this.#remove(follower);
    } else follower.fill?.fail(reason);
  }

  #remove(follower: Follower, urgency: Urgency = 'now'): void {
    const change = { kind: 'remove', by: this.#node.bootId, copy: follower.bootId } as const;
    follower.isRemoving = true;
    this.#node.requests.ask(this.#data.number, this.#entry.epoch, change, urgency);
  }

  /** Tells a process the entry, because it may see the topology later than this one. */
  #tell(bootId: BootId, entry = this.#entry): void {
    const { number: partition } = this.#data;
    this.#node.ports.send(bootId, { kind: 'entry', partition, entry });
  }

  #advanceHandOver(): void {
    if (this.#handOver === undefined) return;
    const { requests, bootId } = this.#node;
    if (this.#answers.isEmpty || !this.#node.follows('R14'))
      requests.ask(this.#data.number, this.#entry.epoch, {
        kind: 'promote',
        copy: this.#handOver.to,
        instead: bootId,
      });
  }
}

/** Versions that a few calls in flight may take. */
const VERSION_MARGIN = 100_000;
