import { isRecord } from './guard.js';

/** Returns the message of whatever was thrown. An error may be of another realm, as in test runners. */
export function messageOf(error: unknown): string {
  return isRecord(error) && typeof error['message'] === 'string' ? error['message'] : String(error);
}

/** Returns the code of whatever was thrown, such as `ENOENT`, if it has one. */
export function codeOf(error: unknown): string | undefined {
  return isRecord(error) && typeof error['code'] === 'string' ? error['code'] : undefined;
}
