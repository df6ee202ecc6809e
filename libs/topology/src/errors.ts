/** The kind of an error, which code may test. The wording of the message is not part of the contract. */
export type TopologyErrorCode =
  /** A document or a message lacks a field, has one out of its range, or contradicts itself. */
  | 'invalid_topology'
  /** The store can't be reached. A change that was sent may have been made, or may be made later. */
  | 'store_unavailable'
  /** No node has this id. */
  | 'unknown_node'
  /** Another node has the address or the boot id. */
  | 'duplicate_node'
  /** The node has its pairs elsewhere than the nodes of the cluster: of its own, or in another store that nodes share. */
  | 'wrong_store'
  /** The directory of a node is a restored backup. */
  | 'outdated_directory'
  /** The node has a role in some partition. */
  | 'node_in_use'
  /** Only the proxy that leads can do it, and this one does not. */
  | 'not_leader'
  /** The request is about another cluster. */
  | 'wrong_cluster'
  /** The store's revision is below one that a node knows, so the store has lost changes. */
  | 'outdated_store';

/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The one error class of this package. */
export class TopologyError extends Error {
  override readonly name = 'TopologyError';

  constructor(
    readonly code: TopologyErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
