/** What went wrong, in a form that code may test. The message's wording is not part of the contract. */
export type HashRingErrorCode =
  /** The list of nodes is empty, or the last node was to be removed. */
  | 'no_nodes'
  /** A node is not a string nor an object with a string id, or the id is empty. */
  | 'invalid_node'
  /** Two nodes have the same id. */
  | 'duplicate_node'
  /** A weight is not a finite number above zero, or a strategy without weights was given one. */
  | 'invalid_weight'
  /** More nodes than the placement can tell apart. */
  | 'too_many_nodes'
  /** No node has this id. */
  | 'unknown_node'
  /** More distinct nodes were asked for than there are. */
  | 'not_enough_nodes'
  /** A number of nodes that is not an integer above zero. */
  | 'invalid_count'
  /** Not an integer from 0 to 4,095. */
  | 'invalid_partition'
  /** What was to be a ring's JSON is not. */
  | 'invalid_json'
  /** Maglev's table size is not a prime above the number of nodes. */
  | 'invalid_table_size'
  /** Jump hashing can only let its last node go. */
  | 'not_last_node';

/** The one error class of this package. */
export class HashRingError extends Error {
  override readonly name = 'HashRingError';

  constructor(
    readonly code: HashRingErrorCode,
    message: string,
  ) {
    super(message);
  }
}
