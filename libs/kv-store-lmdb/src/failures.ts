import { KvsError, messageOf } from '@kvs/protocol';
import type { EngineUnavailable } from '@kvs/kv-store';

/** Returns the outcome of an item whose transaction failed. */
export function itemFailure(error: unknown): EngineUnavailable {
  return { status: 'unavailable', message: `the change was not made: ${messageOf(error)}` };
}

/** As {@link itemFailure}, for a change that needs space. */
export function writeFailure(error: unknown): EngineUnavailable | { readonly status: 'out_of_memory' } {
  return isOutOfSpace(error) ? { status: 'out_of_memory' } : itemFailure(error);
}

/** @param cause its message is added */
export function unavailable(message: string, cause?: unknown): KvsError {
  const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return new KvsError('engine_unavailable', `${message}${reason}`, { cause });
}

/** Returns the error of a change for which there is no room. */
export function outOfSpace(): Error {
  return new Error('no space left on the disk, apart from a reserve');
}

/**
 * Returns whether an error means that there is no more space: disk, quota, or the maximum size of a file or map. LMDB
 * reports a write that the system cut short as an input/output error.
 */
export function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && OUT_OF_SPACE.test(error.message);
}

const OUT_OF_SPACE =
  /no space left|input\/output error|i\/o error|file too large|quota exceeded|MDB_MAP_FULL|cannot allocate memory/i;
