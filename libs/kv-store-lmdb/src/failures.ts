import { messageOf } from '@kvs/protocol';
import type { EngineUnavailable } from '@kvs/kv-store';
import { isOutOfSpace } from './environment.js';

/** Returns the outcome of an item whose transaction failed. */
export function itemFailure(error: unknown): EngineUnavailable {
  return { status: 'unavailable', message: `the change was not made: ${messageOf(error)}` };
}

/** As {@link itemFailure}, for a change that needs space. */
export function writeFailure(error: unknown): EngineUnavailable | { readonly status: 'out_of_memory' } {
  return isOutOfSpace(error) ? { status: 'out_of_memory' } : itemFailure(error);
}
