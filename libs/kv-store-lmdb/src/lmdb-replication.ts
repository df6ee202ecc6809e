import {
  START_POSITION,
  type Completeness,
  type EngineApplyOutcome,
  type EngineDelete,
  type EngineDeleteOutcome,
  type EngineEffect,
  type EngineIdentity,
  type EnginePair,
  type EngineReplication,
  type EngineWrite,
  type EngineWriteOutcome,
  type Position,
} from '@kvs/kv-store';
import {
  closedText,
  engineIdentity,
  identityFromBytes,
  identityToBytes,
  isWhole,
  newIdentity,
  nextIdentity,
  type Opening,
  type StoredIdentity,
} from './data-identity.js';
import type { Environment } from './environment.js';
import { itemFailure, unavailable, writeFailure } from './failures.js';
import { partitionIn, partitionStart } from './key-codec.js';
import { writtenBytes, type PairTable } from './pair-table.js';

/** The parts of the engine that the role uses. */
export interface LmdbReplicationContext {
  /** Reads, or makes the engine's failure of an error. */
  readonly read: <T>(read: () => T) => T;
  /** Commits the change of each item, all changes of a turn together. An item without `roomBytes` may use the reserve of the disk. */
  readonly change: <Item, Outcome, Refusal>(
    items: readonly Item[],
    apply: (item: Item) => Outcome,
    refuse: (error: unknown) => Refusal,
    roomBytes?: (item: Item) => number | undefined,
  ) => Promise<readonly (Outcome | Refusal)[]>;
}

/** The positions of partitions and the identity of the pairs, in the same file as the pairs. */
export class LmdbReplication implements EngineReplication {
  #started: Promise<EngineIdentity> | undefined;
  /** Whether the directory had an identity at some time since it was opened. */
  #mayHaveIdentity: boolean;

  readonly #environment: Environment;
  readonly #table: PairTable;
  readonly #opening: Opening;
  readonly #context: LmdbReplicationContext;

  constructor(environment: Environment, table: PairTable, opening: Opening, context: LmdbReplicationContext) {
    this.#environment = environment;
    this.#table = table;
    this.#opening = opening;
    this.#context = context;
    this.#mayHaveIdentity = environment.identity.doesExist(IDENTITY_KEY);
  }

  get isStarted(): boolean {
    return this.#started !== undefined;
  }

  /** Whether the directory belongs to a node of a cluster. */
  get hasIdentity(): boolean {
    return this.#mayHaveIdentity && this.#environment.identity.doesExist(IDENTITY_KEY);
  }

  /**
   * The text of the file `closed`. Undefined if the pairs have no identity, or may lack acknowledged writes of their identity: if the
   * machine was restarted and this role has not started since, the stored identity is still that of before.
   */
  get closedText(): string | undefined {
    const stored = this.#storedIdentity();
    return stored !== undefined && isWhole(stored, this.#opening) ? closedText(stored) : undefined;
  }

  /**
   * Removes the identity and all positions, which do not describe the pairs any more. The marks of incomplete partitions stay. Must be
   * called in each transaction that changes pairs without this role.
   */
  forgetIdentity(): void {
    if (!this.hasIdentity) return;
    const { identity, positions } = this.#environment;
    identity.removeSync(IDENTITY_KEY);
    for (const partition of [...positions.getKeys()].map(partitionIn))
      this.#setPosition(partition, START_POSITION, this.#isIncomplete(partition));
  }

  start(): Promise<EngineIdentity> {
    this.#started ??= this.#start().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  async renewBootId(): Promise<EngineIdentity> {
    const identity = await this.#keep(() => newIdentity(this.#opening));
    this.#started = Promise.resolve(identity);
    return identity;
  }

  write(
    partition: number,
    writes: readonly EngineWrite[],
    epoch: number,
  ): Promise<readonly EngineWriteOutcome[]> {
    return this.#context.change(
      writes,
      (item): EngineWriteOutcome => {
        const outcome = this.#table.write(item);
        if (outcome.status === 'written') {
          this.#table.raiseFloor(partition, outcome.version);
          this.#advance(partition, epoch);
        }
        return outcome;
      },
      writeFailure,
      writtenBytes,
    );
  }

  delete(
    partition: number,
    deletes: readonly EngineDelete[],
    epoch: number,
  ): Promise<readonly EngineDeleteOutcome[]> {
    return this.#context.change(
      deletes,
      (item): EngineDeleteOutcome => {
        const outcome = this.#table.delete(item);
        if (outcome.status === 'deleted') this.#advance(partition, epoch);
        return outcome;
      },
      itemFailure,
    );
  }

  /** Uses the reserve too: a primary takes no more writes soon after one of its copies tells that it is full. */
  apply(
    partition: number,
    effects: readonly EngineEffect[],
    versionFloor: number,
  ): Promise<EngineApplyOutcome> {
    return this.#commit(() => {
      for (const { id, entry } of effects) {
        if (entry === undefined) this.#table.delete({ id, partition, ifVersion: undefined });
        else this.#put(partition, { id, ...entry });
      }
      const last = effects.at(-1);
      if (last !== undefined) this.#setPosition(partition, last.position, this.#isIncomplete(partition));
      this.#table.raiseFloor(partition, versionFloor);
    });
  }

  fill(partition: number, pairs: readonly EnginePair[]): Promise<EngineApplyOutcome> {
    const bytes = pairs.reduce((sum, pair) => sum + writtenBytes(pair), 0);
    return this.#commit(() => {
      for (const pair of pairs) this.#put(partition, pair);
    }, bytes);
  }

  async clear(
    partition: number,
    position: Position,
    completeness: Completeness,
  ): Promise<EngineApplyOutcome> {
    const isIncomplete = completeness === 'incomplete';
    for (;;) {
      let isEmpty = false;
      const outcome = await this.#commit(() => {
        isEmpty = !this.#table.clear(partition, REMOVED_PER_TURN);
        // The mark tells a later process that some pairs are gone.
        this.#setPosition(partition, isEmpty ? position : START_POSITION, isIncomplete || !isEmpty);
      });
      // Each commit waits for the end of a turn of the event loop, so others have theirs.
      if (isEmpty || outcome.status !== 'applied') return outcome;
    }
  }

  endFill(partition: number): Promise<EngineApplyOutcome> {
    return this.#commit(() => this.#setPosition(partition, this.#storedPosition(partition), false));
  }

  position(partition: number): Position {
    return this.#context.read(() => this.#storedPosition(partition));
  }

  versionFloor(partition: number): number {
    return this.#context.read(() => this.#table.floor(partition));
  }

  completePartitions(): readonly number[] {
    return this.#context.read(() => {
      const known = new Set([...this.#environment.partitionsWithPairs(), ...this.#partitionsWithPosition()]);
      return [...known].filter((partition) => !this.#isIncomplete(partition)).sort((a, b) => a - b);
    });
  }

  incompletePartitions(): readonly number[] {
    return this.#context.read(() =>
      this.#partitionsWithPosition().filter((partition) => this.#isIncomplete(partition)),
    );
  }

  isFull(): boolean {
    return this.#context.read(() => this.#environment.isFull);
  }

  async #start(): Promise<EngineIdentity> {
    // Changes without the role that were asked for before may still wait for their commit.
    assertApplied(await this.#commit(() => undefined));
    if (!this.#context.read(() => this.hasIdentity)) await this.#raiseFloors();
    return this.#keep((stored) => nextIdentity(stored, this.#opening));
  }

  /** Replaces the stored identity. Reads it in the same transaction, because a change without the role removes it. */
  async #keep(next: (stored: StoredIdentity | undefined) => StoredIdentity): Promise<EngineIdentity> {
    this.#mayHaveIdentity = true;
    let identity = next(undefined);
    const replace = (): void => {
      const stored = this.#storedIdentity();
      if (stored !== undefined) identity = next(stored);
      this.#environment.identity.putSync(IDENTITY_KEY, identityToBytes(identity));
    };
    assertApplied(await this.#commit(replace));
    return engineIdentity(identity);
  }

  #storedIdentity(): StoredIdentity | undefined {
    return identityFromBytes(this.#environment.identity.getBinary(IDENTITY_KEY));
  }

  /** Raises the version floors above the versions of pairs that were written without this role. */
  async #raiseFloors(): Promise<void> {
    for (const partition of this.#context.read(() => this.#environment.partitionsWithPairs())) {
      const raise = (): void =>
        this.#table.raiseFloor(partition, this.#table.highestPresentVersion(partition));
      assertApplied(await this.#commit(raise));
    }
  }

  #put(partition: number, pair: EnginePair): void {
    this.#table.put(pair, partition);
    this.#table.raiseFloor(partition, pair.version);
  }

  /** Sets no mark: only a primary writes, and its partition is complete. */
  #advance(partition: number, epoch: number): void {
    this.#setPosition(partition, { epoch, number: this.#storedPosition(partition).number + 1 }, false);
  }

  #storedPosition(partition: number): Position {
    const bytes = this.#environment.positions.getBinary(partitionStart(partition));
    return bytes === undefined
      ? START_POSITION
      : { epoch: bytes.readDoubleBE(), number: bytes.readDoubleBE(8) };
  }

  /** Ascending. An incomplete partition has an entry in any case. */
  #partitionsWithPosition(): number[] {
    return [...this.#environment.positions.getKeys()].map(partitionIn);
  }

  #isIncomplete(partition: number): boolean {
    return this.#environment.positions.getBinary(partitionStart(partition))?.[INCOMPLETE_OFFSET] === 1;
  }

  /** A partition with the start position has no entry, unless it is incomplete. */
  #setPosition(partition: number, { epoch, number }: Position, isIncomplete: boolean): void {
    const key = partitionStart(partition);
    if (number === 0 && !isIncomplete) {
      this.#environment.positions.removeSync(key);
      return;
    }
    const bytes = Buffer.allocUnsafe(POSITION_BYTES);
    bytes.writeDoubleBE(epoch);
    bytes.writeDoubleBE(number, 8);
    bytes.writeUInt8(isIncomplete ? 1 : 0, INCOMPLETE_OFFSET);
    this.#environment.positions.putSync(key, bytes);
  }

  /** Makes one change in one transaction, all of it or nothing. */
  async #commit(apply: () => void, roomBytes?: number): Promise<EngineApplyOutcome> {
    const [outcome = APPLIED] = await this.#context.change(
      [apply],
      (change): EngineApplyOutcome => {
        change();
        return APPLIED;
      },
      writeFailure,
      () => roomBytes,
    );
    return outcome;
  }
}

/** @throws KvsError `engine_unavailable` */
function assertApplied(outcome: EngineApplyOutcome): void {
  if (outcome.status === 'applied') return;
  const reason = outcome.status === 'unavailable' ? outcome.message : 'there is no space left';
  throw unavailable(`the identity of the data cannot be stored: ${reason}`);
}

const IDENTITY_KEY = Buffer.from('identity');
const APPLIED = Object.freeze({ status: 'applied' });

/** A position: its epoch and its number, and whether the partition is incomplete. */
const INCOMPLETE_OFFSET = 16;
const POSITION_BYTES = 17;

/** How many pairs are removed in one transaction. */
const REMOVED_PER_TURN = 500;
