import type { KeyId } from '@kvs/protocol';
import type { BootId, PartitionEntry } from '@kvs/topology';
import {
  NOT_BEGUN,
  type Effect,
  type Effects,
  type FillAnswer,
  type FillChunk,
  type FillChunkAnswer,
  type FillEnd,
  type FillStart,
} from './messages.js';
import type { NodeContext, PartitionData } from './node-context.js';
import type { ApplyResult } from './ports.js';
import { isSame, type Position } from './position.js';
import { Tail } from './tail.js';

/** A fill as its learner sees it. */
interface FillTarget {
  readonly id: string;
  /** The tail that the fill began with. The partition has another one after it was dropped, or filled by another fill. */
  readonly tail: Tail;
  /** Keys that effects have changed since the fill began. Its chunks may have older pairs of them. */
  readonly touched: Set<KeyId>;
  /** How many chunks were accepted, and how many of these are stored. */
  accepted: number;
  stored: number;
  /** It counts for those before it too. */
  lastAnswer: FillChunkAnswer | FillAnswer | undefined;
}

/** A partition of which this node is an in-sync copy or the learner: applies effects and pairs in order (R7, R15). */
export class Copy {
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  #fill: FillTarget | undefined;
  #failure: string | undefined;

  constructor(node: NodeContext, data: PartitionData) {
    this.#node = node;
    this.#data = data;
  }

  /** The learner became an in-sync copy. */
  joined(): void {
    this.#fill = undefined;
  }

  /** @param entry the newest one, in which `from` is the primary and this node has a role */
  effects(from: BootId, message: Effects, entry: () => PartitionEntry | undefined): void {
    const { fillId, epoch } = message;
    const isLearner = entry()?.learner === this.#node.bootId;
    if (isLearner && (this.#fill === undefined || this.#fill.id !== fillId)) return;
    const { fresh, hasGap } = this.#failure === undefined ? this.#accept(message) : NOTHING;
    const answer = (): void => {
      const isCurrent = entry()?.epoch === epoch && !this.#node.leases.isWithheld(from);
      if (isCurrent || !this.#node.follows('R7')) this.#answer(from, message, hasGap);
    };
    if (fresh.length === 0) answer();
    else this.#apply(fresh, message.highestVersion, answer);
    // Never more than the engine has: the number is at most the position that this copy has acknowledged.
    this.#data.tail.trim(message.trimUpTo);
  }

  fillStart(message: FillStart): void {
    const { ports } = this.#node;
    const { number: partition, queue } = this.#data;
    const fill: FillTarget = {
      id: message.fillId,
      tail: new Tail(message.position),
      touched: new Set(),
      accepted: 0,
      stored: 0,
      lastAnswer: undefined,
    };
    this.#fill = fill;
    this.#failure = undefined;
    this.#data.pairs = 'some';
    this.#data.tail = fill.tail;
    queue.run((next) => {
      const done = (result: ApplyResult): void => {
        if (result !== 'applied' && this.#fill === fill) this.#failure = result;
        next();
      };
      ports.engine.clear(partition, message.position, 'incomplete', (result) => {
        if (result === 'applied') ports.engine.apply(partition, [], message.highestVersion, done);
        else done(result);
      });
    });
  }

  fillChunk(from: BootId, { fillId, number, pairs }: FillChunk): void {
    const fill = this.#fill;
    const { ports } = this.#node;
    const { number: partition, queue } = this.#data;
    const answer = (failure: string | undefined): void =>
      this.#answerFill(from, { kind: 'fillChunkAnswer', partition, fillId, number, failure });
    if (fill === undefined || fill.id !== fillId || number !== fill.accepted) return answer(NOT_BEGUN);
    fill.accepted++;
    // Only for effects before this chunk: the pair may be the only one of its key until a later effect is stored.
    const current = this.#node.follows('R15') ? pairs.filter(({ id }) => !fill.touched.has(id)) : pairs;
    queue.run((next) => {
      const done = (failure: string | undefined): void => {
        answer(failure);
        next();
      };
      if (this.#failure !== undefined) return done(this.#failure);
      ports.engine.fill(partition, current, (result) => {
        if (result === 'applied') fill.stored++;
        done(result === 'applied' ? undefined : result);
      });
    });
  }

  fillEnd(from: BootId, { fillId, chunkCount }: FillEnd): void {
    const { ports } = this.#node;
    const { number: partition, queue } = this.#data;
    const lack = (): string | undefined => {
      const fill = this.#fill?.id === fillId ? this.#fill : undefined;
      const isWhole = fill?.stored === chunkCount && fill.tail === this.#data.tail;
      return this.#failure ?? (isWhole ? undefined : NOT_BEGUN);
    };
    queue.run((next) => {
      const done = (failure: string | undefined): void => {
        if (failure === undefined) {
          this.#data.pairs = 'all';
          this.#answerFill(from, { kind: 'fillAnswer', partition, fillId });
        } else
          this.#answerFill(from, { kind: 'fillChunkAnswer', partition, fillId, number: chunkCount, failure });
        next();
      };
      const failure = lack();
      if (failure !== undefined) return done(failure);
      // Another fill may have begun by the time the engine has answered, or the partition may have been dropped.
      ports.engine.endFill(partition, (result) => done(result === 'applied' ? lack() : result));
    });
  }

  /** The connection to the primary is there again. An answer that was sent before may be lost. */
  answerAgain(primary: BootId): void {
    const { lastAnswer } = this.#fill ?? {};
    if (lastAnswer !== undefined) this.#node.ports.send(primary, lastAnswer);
  }

  #answerFill(to: BootId, answer: FillChunkAnswer | FillAnswer): void {
    if (this.#fill?.id === answer.fillId) this.#fill.lastAnswer = answer;
    this.#node.ports.send(to, answer);
  }

  /** What the engine has committed. */
  get #committed(): Position {
    return this.#node.ports.engine.position(this.#data.number);
  }

  /** Takes the effects that follow those before into the tail. */
  #accept({ previous, effects }: Effects): {
    readonly fresh: readonly Effect[];
    readonly hasGap: boolean;
  } {
    const { tail } = this.#data;
    const fresh: Effect[] = [];
    let before = previous;
    for (const effect of effects) {
      const { position } = effect;
      const isKnown = position.number <= tail.base.number || tail.has(position);
      if (!isKnown) {
        if (!isSame(before, tail.end)) return { fresh, hasGap: true };
        tail.push(effect);
        fresh.push(effect);
        this.#fill?.touched.add(effect.id);
      }
      before = position;
    }
    return { fresh, hasGap: effects.length === 0 && !tail.has(previous) };
  }

  #apply(fresh: readonly Effect[], highestVersion: number, done: () => void): void {
    const { number: partition, queue, tail } = this.#data;
    queue.run((next) => {
      if (this.#failure !== undefined) {
        done();
        next();
        return;
      }
      this.#node.ports.engine.apply(partition, fresh, highestVersion, (result) => {
        if (result !== 'applied') {
          // A fill that has begun meanwhile has a tail of its own, and deletes what the engine has.
          if (tail === this.#data.tail) this.#failure = result;
          // The tail says what the engine has, and not more: this copy may become primary.
          tail.cut(this.#committed.number);
        }
        done();
        next();
      });
    });
  }

  #answer(to: BootId, { epoch, fillId }: Effects, hasGap: boolean): void {
    const { ports } = this.#node;
    ports.send(to, {
      kind: 'effectsAnswer',
      partition: this.#data.number,
      epoch,
      fillId,
      position: this.#committed,
      hasGap,
      isFull: ports.engine.isFull(),
      failure: this.#failure,
    });
  }
}

const NOTHING = { fresh: [], hasGap: false } as const;
