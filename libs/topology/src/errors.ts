/** What went wrong, in a form that code may test. The message's wording is not part of the contract. */
export type TopologyErrorCode =
  /** A document is not a topology: a field is missing or out of its range, or two fields contradict each other. */
  | 'invalid_topology'
  /** The store can't be reached. A change that was sent may have been made, or may be made later. */
  | 'store_unavailable'
  /** Another process owns the store. */
  | 'store_in_use'
  /** No node has this id. */
  | 'unknown_node'
  /** Another node has the id or the address. */
  | 'duplicate_node';

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
