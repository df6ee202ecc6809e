import type { KeyId, Value } from '@kvs/protocol';

/** The id of a key and its partition. A key always comes with the same partition. */
export interface EngineKey {
  readonly id: KeyId;
  readonly partition: number;
}

/** A write of one pair. */
export interface EngineWrite extends EngineKey {
  readonly value: Value;
  /** Milliseconds since the Unix epoch from which the pair is absent; undefined if it does not expire. */
  readonly expiresAtMs: number | undefined;
  /** Write only if this is the version, 0 for absent; undefined for an unconditional write. */
  readonly ifVersion: number | undefined;
}

/** A removal of one pair. */
export interface EngineDelete extends EngineKey {
  /** Delete only if this is the version, 0 for absent; undefined for an unconditional delete. */
  readonly ifVersion: number | undefined;
}

/** The value, version and expiry of one key. */
export interface EngineEntry {
  readonly value: Value;
  readonly version: number;
  readonly expiresAtMs: number | undefined;
}

/** A pair of a scan. */
export interface EnginePair extends EngineEntry {
  readonly id: KeyId;
}

/** Some pairs of one partition. */
export interface EngineChunk {
  readonly partition: number;
  readonly pairs: readonly EnginePair[];
}

/** The answer of a read for one key. */
export type EngineReadOutcome =
  ({ readonly status: 'found' } & EngineEntry) | { readonly status: 'absent' } | EngineUnavailable;

/** Whether one key is present. */
export type EnginePresenceOutcome = { readonly status: 'present' | 'absent' } | EngineUnavailable;

/** The answer of a write for one item. */
export type EngineWriteOutcome =
  | {
      readonly status: 'written';
      readonly version: number;
      /** Whether the pair was absent before. An expired pair counts as absent. */
      readonly created: boolean;
    }
  | VersionMismatch
  | { readonly status: 'out_of_memory' }
  | EngineUnavailable;

/** The answer of a removal for one item. */
export type EngineDeleteOutcome =
  { readonly status: 'deleted' | 'absent' } | VersionMismatch | EngineUnavailable;

/** The pair does not have the version that the item requires. */
export interface VersionMismatch {
  readonly status: 'version_mismatch';
  /** The pair's version when its condition was checked; 0 if it was absent. */
  readonly actualVersion: number;
}

/** The part of the store with this item cannot be reached, though other parts can. */
export interface EngineUnavailable {
  readonly status: 'unavailable';
  readonly message: string;
  /** Set if a write or delete may have been applied, because its answer was lost. */
  readonly maybeApplied?: true;
}
