import {
  capabilitiesOf,
  SCAN_CHUNK_UNITS,
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

/** A storage engine as a replica uses it. A call that the engine answers at once is answered at once. */
export class EnginePort implements ReplicaEngine {
  readonly evicts: boolean;
  readonly #engine: Pick<StorageEngine, 'scan'>;
  readonly #replication: EngineReplication;
  readonly #onError: (error: unknown) => void;
  readonly #pace: FillPace;
  /** The last answers of the engine, by partition. They hold while the engine can't be read, because it changes nothing then. */
  readonly #positions: Position[] = [];
  readonly #highestVersions: number[] = [];

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
    return this.#replication.isFull();
  }

  heldPartitions(): readonly number[] {
    return this.#replication.heldPartitions();
  }

  incompletePartitions(): readonly number[] {
    return this.#replication.incompletePartitions();
  }

  position(partition: number): Position {
    return readOr(START_POSITION, this.#positions, partition, () => this.#replication.position(partition));
  }

  highestVersion(partition: number): number {
    return readOr(0, this.#highestVersions, partition, () => this.#replication.highestVersion(partition));
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
    // The engine throws only if it did nothing at all.
    this.#settle(call, ifKnown(done), ({ message }) => done(nothingDone(batch, message)));
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

  reset(partition: number, position: Position, done: (result: ApplyResult) => void): void {
    this.#change(() => this.#replication.reset(partition, position), done);
  }

  beginFill(partition: number, position: Position, done: (result: ApplyResult) => void): void {
    this.#change(() => this.#replication.beginFill(partition, position), done);
  }

  endFill(partition: number, done: (result: ApplyResult) => void): void {
    this.#change(() => this.#replication.endFill(partition), done);
  }

  raiseFloor(partition: number, version: number, done: (result: ApplyResult) => void): void {
    this.#change(() => this.#replication.raiseFloor(partition, version), done);
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

  #settle<T>(
    call: () => MaybePromise<T>,
    done: (answer: T) => void,
    failed: (error: KvsError) => void,
  ): void {
    let answer: MaybePromise<T>;
    try {
      answer = call();
    } catch (error) {
      return failed(engineFailure(error));
    }
    if (!isPromise(answer)) return done(answer);
    answer
      .then(done, (error: unknown) => failed(engineFailure(error)))
      .catch((error: unknown) => this.#onError(error));
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
        engineFailure(error);
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

/** Returns what `read` returns, or if the engine cannot serve, what it returned last. */
function readOr<T>(first: T, last: T[], partition: number, read: () => T): T {
  try {
    return (last[partition] = read());
  } catch (error) {
    engineFailure(error);
    return last[partition] ?? first;
  }
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

/** Returns the error of an engine that cannot serve; throws every other one. */
function engineFailure(error: unknown): KvsError {
  if (error instanceof KvsError) return error;
  throw error;
}

/** A part of a fill, small enough that calls and effects behind it on the link wait only a moment. */
const FILL_CHUNK_UNITS = SCAN_CHUNK_UNITS / 32;
