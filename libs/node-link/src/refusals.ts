import type { ErrorCode, ItemFailure } from '@kvs/protocol';

/** The codes that clients of the proxy get in place of a node's. */
const CODES_FOR_CLIENTS: Partial<Readonly<Record<ErrorCode, ErrorCode>>> = {
  // To a client, a node that is shutting down is away.
  shutting_down: 'node_unavailable',
  not_ready: 'node_unavailable',
  // A server that does not know the protocol's routes is no storage node. A 404 would be read as an absent key.
  not_found: 'node_error',
  method_not_allowed: 'node_error',
  upgrade_required: 'node_error',
  key_not_found: 'node_error',
  internal_error: 'node_error',
};

/** Returns the failure of each item of a call that a node refused. */
export function refusalFailure(node: string, code: ErrorCode, message: string): ItemFailure {
  return { ok: false, code: CODES_FOR_CLIENTS[code] ?? code, message: `${node}: ${message}` };
}

/** A node that failed in an unforeseen way may have applied the write. */
export function withDoubt(failure: ItemFailure): ItemFailure {
  return failure.code === 'node_error' ? { ...failure, maybeApplied: true } : failure;
}
