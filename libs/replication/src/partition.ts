import type { BootId, PartitionEntry } from '@kvs/topology';
import { Copy } from './copy.js';
import { EngineQueue } from './engine-queue.js';
import {
  NOT_BEGUN,
  type ConfirmedTail,
  type Effects,
  type FillStart,
  type Message,
  type NewPrimary,
} from './messages.js';
import type { HeldPairs, NodeContext, PartitionData } from './node-context.js';
import type { ApplyResult } from './ports.js';
import { START_POSITION, type Position } from './position.js';
import { Primary } from './primary.js';
import { Tail } from './tail.js';

/** The role of this node in a partition. A sleeping primary was one before its process started, and waits for a later epoch (R13). */
export type Role = 'primary' | 'sleeping' | 'copy' | 'learner' | 'none';

/** One partition on this node: changes its role as the entry says, and passes messages to the role. */
export class Partition implements PartitionData {
  readonly number: number;
  tail: Tail;
  readonly queue = new EngineQueue();
  pairs: HeldPairs;
  /** Since when this node has its role under this primary. */
  sinceMs = -Infinity;
  former: BootId | undefined;
  readonly #node: NodeContext;
  #entry: PartitionEntry | undefined;
  #role: Role = 'none';
  #primary: Primary | undefined;
  #copy: Copy;
  /** Set if the engine failed in a call that must succeed. */
  #retry: (() => void) | undefined;
  /** The last time that another copy was asked whether this node may drop its pairs. */
  #askedMs = -Infinity;

  /** @param pairs the pairs that the engine has */
  constructor(node: NodeContext, number: number, pairs: HeldPairs) {
    this.#node = node;
    this.number = number;
    this.pairs = pairs;
    this.tail = new Tail(pairs === 'all' ? node.ports.engine.position(number) : START_POSITION);
    this.#copy = new Copy(node, this);
  }

  get role(): Role {
    return this.#role;
  }

  get entry(): PartitionEntry | undefined {
    return this.#entry;
  }

  get primary(): Primary | undefined {
    return this.#primary;
  }

  /** Whether it has something to do as time passes. */
  get isBusy(): boolean {
    if (this.#retry !== undefined) return true;
    switch (this.#role) {
      case 'primary':
        return this.#primary?.isBusy === true;
      case 'sleeping':
        return true;
      case 'none':
        return this.#isLeftOver;
      case 'copy':
      case 'learner':
        return false;
    }
  }

  /** @param isFirst whether the entry is of the first topology that this process sees */
  entryChanged(entry: PartitionEntry, isFirst: boolean): void {
    const before = this.#entry;
    const { bootId, requests, leases, ports } = this.#node;
    this.#entry = entry;
    requests.settle(this.number, entry.epoch);
    leases.settle(this.number, entry.epoch);
    const was = this.#role;
    this.#role = this.#roleIn(entry, isFirst);
    if (was !== this.#role || before?.primary !== entry.primary) this.sinceMs = ports.nowMs();
    if (before?.primary !== entry.primary) this.former = before?.primary;
    if (this.#role === 'primary') {
      if (this.#primary !== undefined) this.#primary.entryChanged(entry);
      else this.#becomePrimary(entry);
      return;
    }
    const deposed = this.#primary;
    this.#primary = undefined;
    deposed?.deposed(entry);
    if (was === 'primary' || was === 'none') this.#copy = new Copy(this.#node, this);
    if (this.#role === 'copy') {
      if (was === 'none') this.#beginEmpty();
      this.pairs = 'all';
      this.#copy.joined();
    }
    if (this.#role === 'none' && !this.#node.follows('R17')) this.#drop();
    if (entry.primary === bootId) this.#askForNewEpoch();
  }

  receive(from: BootId, message: Exclude<Message, { kind: 'beacon' | 'beaconAnswer' }>): void {
    switch (message.kind) {
      case 'effects':
        this.#effects(from, message);
        return;
      case 'effectsAnswer':
        this.#primary?.effectsAnswered(from, message);
        return;
      case 'entry':
        this.#tellIfNewer(from, message.entry);
        return;
      case 'entryQuestion':
        this.#tellEntry(from);
        return;
      case 'newPrimary':
        this.#newPrimary(from, message);
        return;
      case 'confirmation':
        this.#primary?.confirmed(from, message);
        return;
      case 'fillStart':
        if (this.#isCurrent(from, message) && this.#role === 'learner') this.#copy.fillStart(message);
        return;
      case 'fillChunk':
        if (this.#isFilledBy(from)) this.#copy.fillChunk(from, message);
        else this.#refuseFill(from, message.fillId, message.number);
        return;
      case 'fillEnd':
        if (this.#isFilledBy(from)) this.#copy.fillEnd(from, message);
        else this.#refuseFill(from, message.fillId, message.chunkCount);
        return;
      case 'fillChunkAnswer':
        this.#primary?.fillChunkAnswered(from, message);
        return;
      case 'fillAnswer':
        this.#primary?.fillAnswered(from, message);
        return;
      case 'mayDrop':
        this.#answerMayDrop(from, message.epoch);
        return;
      case 'mayDropAnswer':
        if (this.#isLeftOver && from === this.#entry?.primary && message.epoch === this.#entry.epoch)
          this.#drop();
    }
  }

  tick(): void {
    this.#retry?.();
    if (this.#role === 'primary') this.#primary?.tick();
    else if (this.#role === 'sleeping') this.#askForNewEpoch();
    else if (this.#isLeftOver) this.#askMayDrop();
  }

  /** A connection to a process is there again. */
  peerUp(bootId: BootId): void {
    this.#primary?.peerUp(bootId);
    if (this.#role === 'learner' && this.#entry?.primary === bootId) this.#copy.answerAgain(bootId);
  }

  /** Asks to become primary instead of one that is silent. */
  askToBePromoted(): void {
    const { requests, bootId } = this.#node;
    const { primary, epoch } = this.#entry ?? {};
    if (this.#role !== 'copy' || primary === undefined || epoch === undefined) return;
    requests.ask(this.number, epoch, { kind: 'promote', copy: bootId, instead: primary });
  }

  /** Whether the node has pairs without a role in the partition. A process that ends keeps its pairs: they may be the last ones. */
  get #isLeftOver(): boolean {
    if (this.#node.isLeaving) return false;
    return this.#role === 'none' && this.pairs !== 'none' && this.#entry?.primary !== undefined;
  }

  #roleIn({ primary, inSync, learner }: PartitionEntry, isFirst: boolean): Role {
    const { bootId, isNewBootId } = this.#node;
    if (primary === bootId)
      return isFirst && !isNewBootId && this.#node.follows('R13') ? 'sleeping' : 'primary';
    if (inSync.includes(bootId)) return 'copy';
    return learner === bootId ? 'learner' : 'none';
  }

  #becomePrimary(entry: PartitionEntry): void {
    const { ports, topology } = this.#node;
    this.#beginEmpty();
    // The versions of a new start are above all that were given before (R18). The primary serves only once the engine has raised them.
    if (entry.isAfterLoss === true) {
      const ceiling = topology?.versionCeiling ?? 0;
      this.#untilApplied((done) => ports.engine.apply(this.number, [], ceiling, done));
    }
    this.pairs = 'all';
    this.#primary = new Primary(this.#node, this, entry);
  }

  /** Begins without pairs, unless this node has them all. The engine may have some, if it did not complete a fill or a drop. */
  #beginEmpty(): void {
    if (this.pairs === 'some') this.#drop();
  }

  #drop(): void {
    this.pairs = 'none';
    this.tail = new Tail(START_POSITION);
    const { engine } = this.#node.ports;
    this.#untilApplied((done) => engine.clear(this.number, START_POSITION, 'complete', done));
  }

  /** Calls the engine until it does not fail. Its other calls wait. */
  #untilApplied(call: (done: (result: ApplyResult) => void) => void): void {
    this.queue.run((next) => {
      const attempt = (): void => {
        this.#retry = undefined;
        call((result) => {
          if (result === 'applied') next();
          else this.#retry = attempt;
        });
      };
      attempt();
    });
  }

  #askForNewEpoch(): void {
    const { requests } = this.#node;
    if (this.#entry !== undefined) requests.ask(this.number, this.#entry.epoch, { kind: 'rewrite' });
  }

  #effects(from: BootId, message: Effects): void {
    const hasRole = this.#role === 'copy' || this.#role === 'learner';
    const isCurrent = this.#isCurrent(from, message) || !this.#node.follows('R7');
    if (isCurrent && hasRole && !this.#node.leases.isWithheld(from))
      this.#copy.effects(from, message, () => this.#entry);
  }

  /**
   * Returns whether a message is of the present primary. If it is not, one of both processes lacks an entry, and gets it or asks
   * for it.
   */
  #isCurrent(from: BootId, { epoch }: Effects | FillStart): boolean {
    const known = this.#entry?.epoch ?? -1;
    if (epoch < known) this.#tellEntry(from);
    else if (epoch > known) this.#node.ports.send(from, { kind: 'entryQuestion', partition: this.number });
    return epoch === known && from === this.#entry?.primary;
  }

  #isFilledBy(from: BootId): boolean {
    return this.#role === 'learner' && from === this.#entry?.primary;
  }

  /** This node is no learner of the sender, or not yet. Without an answer, the fill would wait until it is given up. */
  #refuseFill(to: BootId, fillId: string, number: number): void {
    const { number: partition } = this;
    this.#node.ports.send(to, { kind: 'fillChunkAnswer', partition, fillId, number, failure: NOT_BEGUN });
  }

  #tellEntry(to: BootId): void {
    const entry = this.#entry;
    if (entry !== undefined) this.#node.ports.send(to, { kind: 'entry', partition: this.number, entry });
  }

  /** Tells a process the entry of this node, if it has told an older one. A newer one was adopted before. */
  #tellIfNewer(to: BootId, { epoch }: PartitionEntry): void {
    if (this.#entry !== undefined && this.#entry.epoch > epoch) this.#tellEntry(to);
  }

  #newPrimary(from: BootId, { entry, position }: NewPrimary): void {
    this.#tellIfNewer(from, entry);
    if (from !== entry.primary) return;
    // The engine may still apply effects that came before.
    this.queue.run((next) => {
      if (this.#entry?.epoch === entry.epoch) this.#confirm(from, entry.epoch, position);
      next();
    });
  }

  /**
   * Says which effects this copy has that the new primary may lack, or the first of them, if they are too many for a message. The new
   * primary then sends the others again. Effects that only this copy has may be lost in that case: nobody has seen them.
   */
  #confirm(to: BootId, epoch: number, after: Position): void {
    const tail = this.#role === 'copy' ? this.#confirmedTail(after) : undefined;
    this.#node.ports.send(to, { kind: 'confirmation', partition: this.number, epoch, tail });
  }

  #confirmedTail(after: Position): ConfirmedTail {
    const { end } = this.tail;
    const first = this.tail.has(after) ? after : this.tail.base;
    const base = end.number < after.number ? end : first; // a copy that is behind has nothing to say
    return { base, effects: this.tail.after(base, MAX_CONFIRMED_BYTES) };
  }

  #answerMayDrop(from: BootId, epoch: number): void {
    const isInSync = this.#role === 'copy' || (this.#role === 'primary' && this.#primary?.isServing === true);
    if (isInSync && this.#entry?.epoch === epoch)
      this.#node.ports.send(from, { kind: 'mayDropAnswer', partition: this.number, epoch });
  }

  /** Asks the primary, because the topology alone does not prove that the primary is alive (R17). */
  #askMayDrop(): void {
    const { ports } = this.#node;
    const { primary, epoch } = this.#entry ?? {};
    if (primary === undefined || epoch === undefined || ports.nowMs() - this.#askedMs < ASK_MS) return;
    this.#askedMs = ports.nowMs();
    ports.send(primary, { kind: 'mayDrop', partition: this.number, epoch });
  }
}

/** Between two questions whether this node may drop its pairs. */
const ASK_MS = 1000;

const MAX_CONFIRMED_BYTES = 512 * 1024;
