import { microsToMs } from '../clock.js';

// What every engine decides in the same way. Engines that decide elsewhere (in a script on a server, say)
// follow these to the letter.

/** Whether a pair is past its time: from the clock's millisecond that is `expiresAtMs` on. */
export function isExpired(expiresAtMs: number | undefined, nowMicros: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= microsToMs(nowMicros);
}

/**
 * The version of a write.
 * @param previous the pair's version, or for an absent pair one at least as high as any that the key had
 */
export function nextVersion(previous: number, nowMicros: number): number {
  return Math.max(previous + 1, nowMicros);
}

/** @param version the pair's version, 0 when it is absent */
export function conditionHolds(ifVersion: number | undefined, version: number): boolean {
  return ifVersion === undefined || ifVersion === version;
}
