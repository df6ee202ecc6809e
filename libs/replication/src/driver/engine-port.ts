import {
  capabilitiesOf,
  SCAN_CHUNK_UNITS,
  type Completeness,
  type EngineApplyOutcome,
  type EnginePair,
  type EngineReplication,
  type StorageEngine,
} from '@kvs/kv-store';
import { isPromise, KvsError, whenDone, type MaybePromise } from '@kvs/protocol';
import type { Effect } from '../messages.js';
import { START_POSITION, type Position } from '../position.js';
import type { ApplyResult, FillScan, ReplicaEngine, WriteBatch, WriteOutcomes } from '../ports.js';
import { FillPace } from './fill-pace.js';

/**
 * A storage engine as a replica uses it. A call that the engine answers at once is answered at once. Every call is answered, whatever
 * the engine throws, because the other calls of the partition wait for it.
 */
export class EnginePort implements ReplicaEngine {
  readonly evicts: boolean;
  readonly #engine: Pick<StorageEngine, 'scan'>;
  readonly #replication: EngineReplication;
  readonly #onError: (error: unknown) => void;
  readonly #pace: FillPace;
  /** The last answers of the engine, by partition. They hold while the engine can't be read, because it changes nothing then. */
  readonly #positions: Position[] = [];
  readonly #highestVersions: number[] = [];
  #isFull = false;

  /**
   * @param callCount returns how many calls the node has had
   * @param onError called with an error that is a defect
   */
  constructor(
    engine: StorageEngine,
    replication: EngineReplication,
    callCount: () => number,
    onError: (error: unknown) => void,
  ) {
    this.#pace = new FillPace(callCount);
    this.evicts = capabilitiesOf(engine).evicts;
    this.#engine = engine;
    this.#replication = replication;
    this.#onError = onError;
  }

  isFull(): boolean {
    return (this.#isFull = this.#readOr(this.#isFull, () => this.#replication.isFull()));
  }

  completePartitions(): readonly number[] {
    return this.#replication.completePartitions();
  }

  incompletePartitions(): readonly number[] {
    return this.#replication.incompletePartitions();
  }

  position(partition: number): Position {
    const last = this.#positions[partition] ?? START_POSITION;
    return (this.#positions[partition] = this.#readOr(last, () => this.#replication.position(partition)));
  }

  highestVersion(partition: number): number {
    const last = this.#highestVersions[partition] ?? 0;
    const read = () => this.#replication.versionFloor(partition);
    return (this.#highestVersions[partition] = this.#readOr(last, read));
  }

  write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void {
    const call = (): MaybePromise<WriteOutcomes> => {
      if (batch.kind === 'set')
        return whenDone(this.#replication.write(partition, batch.items, epoch), (outcomes) => ({
          kind: 'set',
          outcomes,
        }));
      return whenDone(this.#replication.delete(partition, batch.items, epoch), (outcomes) => ({
        kind: 'delete',
        outcomes,
      }));
    };
    // An engine that cannot serve did nothing at all. After a defect, nobody knows.
    this.#settle(call, ifKnown(done), (failure) => done(failure && nothingDone(batch, failure.message)));
  }

  apply(
    partition: number,
    effects: readonly Effect[],
    highestVersion: number,
    done: (result: ApplyResult) => void,
  ): void {
    this.#change(() => this.#replication.apply(partition, effects, highestVersion), done);
  }

  fill(partition: number, pairs: readonly EnginePair[], done: (result: ApplyResult) => void): void {
    this.#change(() => this.#replication.fill(partition, pairs), done);
  }

  clear(
    partition: number,
    position: Position,
    completeness: Completeness,
    done: (result: ApplyResult) => void,
  ): void {
    this.#change(() => this.#replication.clear(partition, position, completeness), done);
  }

  endFill(partition: number, done: (result: ApplyResult) => void): void {
    this.#change(() => this.#replication.endFill(partition), done);
  }

  scan(partition: number): FillScan {
    return new PairScan(this.#engine.scan([partition]), this.#pace, this.#onError);
  }

  #change(call: () => MaybePromise<EngineApplyOutcome>, done: (result: ApplyResult) => void): void {
    this.#settle(
      call,
      ({ status }) => done(status),
      () => done('unavailable'),
    );
  }

  /** @param failed gets the error of an engine that cannot serve; undefined after a defect, which is reported */
  #settle<T>(
    call: () => MaybePromise<T>,
    done: (answer: T) => void,
    failed: (failure: KvsError | undefined) => void,
  ): void {
    let answer: MaybePromise<T>;
    try {
      answer = call();
    } catch (error) {
      return failed(engineFailure(error, this.#onError));
    }
    if (!isPromise(answer)) return done(answer);
    answer
      .then(done, (error: unknown) => failed(engineFailure(error, this.#onError)))
      .catch((error: unknown) => this.#onError(error));
  }

  /** Returns what `read` returns, or if the engine cannot say, what it returned last. */
  #readOr<T>(last: T, read: () => T): T {
    try {
      return read();
    } catch (error) {
      engineFailure(error, this.#onError);
      return last;
    }
  }
}

/** Reads a scan by callbacks, in parts that are small enough for messages. */
class PairScan implements FillScan {
  readonly #chunks: AsyncIterator<{ readonly pairs: readonly EnginePair[] }>;
  readonly #pace: FillPace;
  readonly #onError: (error: unknown) => void;
  /** What was read and not given yet. */
  #pairs: readonly EnginePair[] = [];

  constructor(
    chunks: AsyncIterable<{ readonly pairs: readonly EnginePair[] }>,
    pace: FillPace,
    onError: (error: unknown) => void,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#pace = pace;
    this.#onError = onError;
  }

  next(done: (result: readonly EnginePair[] | 'end' | 'failed') => void): void {
    this.#next()
      .catch((error: unknown) => {
        engineFailure(error, this.#onError);
        return 'failed' as const;
      })
      .then(done)
      .catch(this.#onError);
  }

  close(): void {
    this.#pairs = [];
    this.#chunks.return?.().catch(this.#onError);
  }

  async #next(): Promise<readonly EnginePair[] | 'end'> {
    while (this.#pairs.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return 'end';
      this.#pairs = value.pairs;
    }
    await this.#pace.turn();
    const count = countWithin(this.#pairs, FILL_CHUNK_UNITS);
    const part = this.#pairs.slice(0, count);
    this.#pairs = this.#pairs.slice(count);
    return part;
  }
}

/** Returns how many of the first pairs have about so many UTF-16 units: at least one. */
function countWithin(pairs: readonly EnginePair[], maxUnits: number): number {
  let units = 0;
  const first = pairs.findIndex(({ id, value }) => (units += id.length + value.data.length) >= maxUnits);
  return first === -1 ? pairs.length : first + 1;
}

/** Passes on undefined if the engine doesn't know of every item whether it took effect. */
function ifKnown(done: (outcomes: WriteOutcomes | undefined) => void) {
  return (result: WriteOutcomes): void => {
    const isUnknown = result.outcomes.some(
      (outcome) => outcome.status === 'unavailable' && outcome.maybeApplied === true,
    );
    done(isUnknown ? undefined : result);
  };
}

function nothingDone({ kind, items }: WriteBatch, message: string): WriteOutcomes {
  const outcomes = items.map(() => ({ status: 'unavailable', message }) as const);
  return { kind, outcomes };
}

/** Returns the error of an engine that cannot serve. Every other one is a defect: it is reported, and the answer is undefined. */
function engineFailure(error: unknown, onError: (error: unknown) => void): KvsError | undefined {
  if (error instanceof KvsError) return error;
  onError(error);
  return undefined;
}

/** A part of a fill, small enough that calls and effects behind it on the link wait only a moment. */
const FILL_CHUNK_UNITS = SCAN_CHUNK_UNITS / 32;
