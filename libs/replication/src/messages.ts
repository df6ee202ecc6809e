import type { EngineEffect, EnginePair } from '@kvs/kv-store';
import type { PartitionEntry } from '@kvs/topology';
import type { Position } from './position.js';

/** What a write did. Copies apply effects without conditions, so all of them come to the same pairs. */
export type Effect = EngineEffect;

/** What nodes tell each other. Messages between two processes keep their order, and some may be lost with their connection. */
export type Message =
  | Beacon
  | BeaconAnswer
  | Effects
  | EffectsAnswer
  | EntryMessage
  | EntryQuestion
  | NewPrimary
  | Confirmation
  | FillStart
  | FillChunk
  | FillChunkAnswer
  | FillEnd
  | FillAnswer
  | DropQuestion
  | DropAnswer;

/** A primary asks a process with copies of its partitions for a lease. */
export interface Beacon {
  readonly kind: 'beacon';
  /** The sender's `leaseNowMs`, which the answer repeats: the lease counts from here. */
  readonly sentAtMs: number;
  /** The time of the cluster as the sender knows it. */
  readonly timeMs: number;
}

export interface BeaconAnswer {
  readonly kind: 'beaconAnswer';
  readonly sentAtMs: number;
  readonly timeMs: number;
  /** The highest revision that the sender knows. A receiver that knows less has no lease. */
  readonly revision: number;
  /** Whether the sender can take no further pairs. */
  readonly isFull: boolean;
}

/** A primary sends effects to a copy, or none to learn the position of the copy. */
export interface Effects {
  readonly kind: 'effects';
  readonly partition: number;
  readonly epoch: number;
  /** The fill to which the effects belong; undefined for an in-sync copy. */
  readonly fillId: string | undefined;
  /** The position before the first effect. */
  readonly previous: Position;
  readonly effects: readonly Effect[];
  /** All copies have the effects up to this number, and may drop them from their tails. */
  readonly trimUpTo: number;
  /** The highest version that the partition has had. */
  readonly highestVersion: number;
}

export interface EffectsAnswer {
  readonly kind: 'effectsAnswer';
  readonly partition: number;
  readonly epoch: number;
  readonly fillId: string | undefined;
  /** What the copy has applied, and its engine has committed. */
  readonly position: Position;
  /** Whether effects are missing between the position and those that were sent. */
  readonly hasGap: boolean;
  readonly isFull: boolean;
  /** Why the copy can't apply an effect; undefined if it can. */
  readonly failure: string | undefined;
}

/** An entry of the topology that the sender knows to be committed. */
export interface EntryMessage {
  readonly kind: 'entry';
  readonly partition: number;
  readonly entry: PartitionEntry;
}

/** Asks for the entry of the receiver, because it is at a later epoch than that of the sender. */
export interface EntryQuestion {
  readonly kind: 'entryQuestion';
  readonly partition: number;
}

/** A new primary tells its entry and asks for a {@link Confirmation}. */
export interface NewPrimary {
  readonly kind: 'newPrimary';
  readonly partition: number;
  readonly entry: PartitionEntry;
  /** The sender has stored all effects up to this position, and asks for those after it. */
  readonly position: Position;
}

/** A process knows the epoch of a new primary. */
export interface Confirmation {
  readonly kind: 'confirmation';
  readonly partition: number;
  readonly epoch: number;
  /** Undefined if the sender is no in-sync copy in this epoch. */
  readonly tail: ConfirmedTail | undefined;
}

/** Effects that perhaps not all copies have, and that the new primary perhaps lacks. */
export interface ConfirmedTail {
  /** The position before the first effect. */
  readonly base: Position;
  readonly effects: readonly Effect[];
}

/** The pairs of a partition follow. The learner drops what it had. */
export interface FillStart {
  readonly kind: 'fillStart';
  readonly partition: number;
  readonly epoch: number;
  readonly fillId: string;
  /** The position of the primary. Later effects are sent as they arise. */
  readonly position: Position;
  readonly highestVersion: number;
}

export interface FillChunk {
  readonly kind: 'fillChunk';
  readonly partition: number;
  readonly fillId: string;
  /** From 0. */
  readonly number: number;
  readonly pairs: readonly EnginePair[];
}

/**
 * The failure of a fill whose begin was lost, or came when the learner knew a later entry. It says nothing against the learner, so
 * the primary only begins again.
 */
export const NOT_BEGUN = 'the learner has not begun this fill, or lacks a part of it';

/** Counts for all chunks before it. With a failure, it may also answer the end of a fill. */
export interface FillChunkAnswer {
  readonly kind: 'fillChunkAnswer';
  readonly partition: number;
  readonly fillId: string;
  readonly number: number;
  /** Why the learner can't store the chunk; undefined if it has. */
  readonly failure: string | undefined;
}

export interface FillEnd {
  readonly kind: 'fillEnd';
  readonly partition: number;
  readonly fillId: string;
  readonly chunkCount: number;
}

/** The learner has all chunks of a fill. */
export interface FillAnswer {
  readonly kind: 'fillAnswer';
  readonly partition: number;
  readonly fillId: string;
}

/** A process that is no copy any more asks whether it may drop its pairs. */
export interface DropQuestion {
  readonly kind: 'mayDrop';
  readonly partition: number;
  readonly epoch: number;
}

/** The sender is an in-sync copy in this epoch, so the receiver may drop its pairs. */
export interface DropAnswer {
  readonly kind: 'mayDropAnswer';
  readonly partition: number;
  readonly epoch: number;
}
