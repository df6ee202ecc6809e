import { isRecord } from './guard.js';

/** Returns the message of whatever was thrown. An error may be of another realm, as in test runners. */
export function messageOf(error: unknown): string {
  return isRecord(error) && typeof error['message'] === 'string' ? error['message'] : String(error);
}
