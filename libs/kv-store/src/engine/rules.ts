import { microsToMs } from '../clock.js';

// Rules that all engines share. An engine that decides elsewhere, for example in a script on a server, follows them
// exactly.

/** Returns whether a pair has expired, which it does at the clock's millisecond `expiresAtMs`. */
export function isExpired(expiresAtMs: number | undefined, nowMicros: number): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= microsToMs(nowMicros);
}

/**
 * Returns the version of a write.
 * @param previous a number at least as high as every version that the key ever had
 */
export function nextVersion(previous: number, nowMicros: number): number {
  return Math.max(previous + 1, nowMicros);
}

/** @param version the pair's version, 0 if it is absent */
export function conditionHolds(ifVersion: number | undefined, version: number): boolean {
  return ifVersion === undefined || ifVersion === version;
}
