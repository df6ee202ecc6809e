import type {
  EngineDeleteOutcome,
  EnginePair,
  EnginePresenceOutcome,
  EngineReadOutcome,
  EngineUnavailable,
  EngineWriteOutcome,
} from '@kvs/kv-store';
import { decodeKeyId, decodePair } from './pair-codec.js';

// Converts answers of Redis to outcomes. An answer in an unexpected form is an error.

/** @param replicaProblem why the write may be lost, if replicas should have it too */
export function writeOutcomes(answer: unknown, replicaProblem: string | undefined): EngineWriteOutcome[] {
  const [answers, created] = list(answer).map(list);
  return list(answers).map((item, index): EngineWriteOutcome => {
    const number = numberIn(item);
    if (number < 0) return { status: 'version_mismatch', actualVersion: -1 - number };
    if (number === 0) return { status: 'out_of_memory' };
    if (replicaProblem !== undefined) return doubtful(replicaProblem);
    return { status: 'written', version: number, created: numberIn(created?.[index]) === 1 };
  });
}

/** @param replicaProblem why the write may be lost, if replicas should have it too */
export function deleteOutcomes(answer: unknown, replicaProblem: string | undefined): EngineDeleteOutcome[] {
  return list(answer).map((item): EngineDeleteOutcome => {
    const number = numberIn(item);
    if (number < 0) return { status: 'version_mismatch', actualVersion: -1 - number };
    if (number === 0) return { status: 'absent' };
    return replicaProblem === undefined ? { status: 'deleted' } : doubtful(replicaProblem);
  });
}

export function presenceOutcomes(answer: unknown): EnginePresenceOutcome[] {
  return list(answer).map((item) => ({ status: numberIn(item) === 1 ? 'present' : 'absent' }));
}

/** @param isExpired whether a deadline has passed */
export function readOutcomes(
  answer: unknown,
  isExpired: (expiresAtMs: number | undefined) => boolean,
): EngineReadOutcome[] {
  return list(answer).map((item) => readOutcome(item, isExpired));
}

function readOutcome(
  item: unknown,
  isExpired: (expiresAtMs: number | undefined) => boolean,
): EngineReadOutcome {
  if (item === null) return { status: 'absent' };
  const entry = decodePair(bytesIn(item));
  return isExpired(entry.expiresAtMs) ? { status: 'absent' } : { status: 'found', ...entry };
}

export function firstScanned(answer: unknown): { pairs: EnginePair[]; rest: Buffer[] } {
  const [pairs, rest] = list(answer);
  return { pairs: pairsIn(pairs), rest: list(rest).map(bytesIn) };
}

export function nextScanned(answer: unknown): { pairs: EnginePair[]; used: number } {
  const [pairs, used] = list(answer);
  return { pairs: pairsIn(pairs), used: numberIn(used) };
}

export function numberIn(answer: unknown): number {
  if (typeof answer !== 'number') throw unexpected();
  return answer;
}

function doubtful(message: string): EngineUnavailable {
  return { status: 'unavailable', message, maybeApplied: true };
}

function pairsIn(answer: unknown): EnginePair[] {
  const flat = list(answer);
  const pairs: EnginePair[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    pairs.push({ id: decodeKeyId(bytesIn(flat[i])), ...decodePair(bytesIn(flat[i + 1])) });
  }
  return pairs;
}

function list(answer: unknown): readonly unknown[] {
  if (!Array.isArray(answer)) throw unexpected();
  return answer;
}

export function bytesIn(answer: unknown): Buffer {
  if (!Buffer.isBuffer(answer)) throw unexpected();
  return answer;
}

function unexpected(): Error {
  return new Error('Redis gave an answer of an unknown form');
}
