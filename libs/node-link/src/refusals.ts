import type { ErrorCode, ItemFailure } from '@kvs/protocol';

/** What a node says of itself and its routes, as a client of the proxy should hear it. */
const CODES_FOR_CLIENTS: Partial<Readonly<Record<ErrorCode, ErrorCode>>> = {
  // A node on its way down is, to a client, a node that is away.
  shutting_down: 'node_unavailable',
  not_ready: 'node_unavailable',
  // A server that does not know the protocol's routes is no storage node. A 404 would be read as an absent key.
  not_found: 'node_error',
  method_not_allowed: 'node_error',
  upgrade_required: 'node_error',
  key_not_found: 'node_error',
  internal_error: 'node_error',
};

/** A node's refusal of a whole batch, as the failure of each of its items. */
export function refusalFailure(node: string, code: ErrorCode, message: string): ItemFailure {
  return { ok: false, code: CODES_FOR_CLIENTS[code] ?? code, message: `${node}: ${message}` };
}

/** A node that failed in an unforeseen way, or whose answer can't be read, may have applied the write. */
export function withDoubt(failure: ItemFailure): ItemFailure {
  return failure.code === 'node_error' ? { ...failure, maybeApplied: true } : failure;
}
