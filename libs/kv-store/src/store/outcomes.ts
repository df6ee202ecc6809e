import type {
  DeleteOutcome,
  Entry,
  FetchOutcome,
  ItemFailure,
  QueryOutcome,
  SetOutcome,
} from '@kvs/protocol';
import { microsToMs, type Clock } from '../clock.js';
import { isExpired } from '../engine/rules.js';
import type {
  EngineDeleteOutcome,
  EngineEntry,
  EnginePresenceOutcome,
  EngineReadOutcome,
  EngineUnavailable,
  EngineWriteOutcome,
  VersionMismatch,
} from '../engine/engine-data.js';

export function setOutcome(outcome: EngineWriteOutcome): SetOutcome {
  switch (outcome.status) {
    case 'written':
      return { ok: true, version: outcome.version, created: outcome.created };
    case 'version_mismatch':
      return versionMismatch(outcome);
    case 'out_of_memory':
      return { ok: false, code: 'out_of_memory', message: 'the store is full' };
    case 'unavailable':
      return unavailable(outcome);
  }
}

export function fetchOutcome(outcome: EngineReadOutcome, clock: Clock): FetchOutcome {
  switch (outcome.status) {
    case 'found':
      return { ok: true, entry: liveEntry(outcome, clock) };
    case 'absent':
      return { ok: true, entry: null };
    case 'unavailable':
      return unavailable(outcome);
  }
}

export function queryOutcome(outcome: EnginePresenceOutcome): QueryOutcome {
  return outcome.status === 'unavailable'
    ? unavailable(outcome)
    : { ok: true, present: outcome.status === 'present' };
}

export function deleteOutcome(outcome: EngineDeleteOutcome): DeleteOutcome {
  switch (outcome.status) {
    case 'deleted':
      return { ok: true, deleted: true };
    case 'absent':
      return { ok: true, deleted: false };
    case 'version_mismatch':
      return versionMismatch(outcome);
    case 'unavailable':
      return unavailable(outcome);
  }
}

/**
 * Returns null for a pair that has expired since the engine answered. Reads the clock only for pairs that expire, because
 * a clock read for every pair would be a large part of the work of a busy node.
 */
export function liveEntry({ value, version, expiresAtMs }: EngineEntry, clock: Clock): Entry | null {
  if (expiresAtMs === undefined) return { value, version };
  const nowMicros = clock.nowMicros();
  if (isExpired(expiresAtMs, nowMicros)) return null;
  return { value, version, ttlMs: expiresAtMs - microsToMs(nowMicros), expiresAtMs };
}

function versionMismatch({ actualVersion }: VersionMismatch): ItemFailure {
  const message = actualVersion === 0 ? 'the key is absent' : `the version is ${actualVersion}`;
  return { ok: false, code: 'version_mismatch', message };
}

function unavailable({ message, maybeApplied }: EngineUnavailable): ItemFailure {
  return { ok: false, code: 'engine_unavailable', message, ...(maybeApplied && { maybeApplied }) };
}
