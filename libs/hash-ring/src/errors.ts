/** What went wrong, in a form that code may test. The message's wording is not part of the contract. */
export type HashRingErrorCode =
  /** The nodes are an empty list or no list at all, or the last node was to be removed. */
  | 'no_nodes'
  /** A node is neither a string nor an object with a string id, or the id is empty or has a lone surrogate. */
  | 'invalid_node'
  /** Two nodes have the same id. */
  | 'duplicate_node'
  /** A weight is not a number from 2⁻³² to 2³², or a strategy without weights was given one. */
  | 'invalid_weight'
  /** More nodes than the placement can tell apart. */
  | 'too_many_nodes'
  /** No node has this id. */
  | 'unknown_node'
  /** More distinct nodes were asked for than there are. */
  | 'not_enough_nodes'
  /** A number of nodes that is not an integer above zero. */
  | 'invalid_count'
  /** A key is neither a string nor a `Uint8Array`. */
  | 'invalid_key'
  /** An option of ketama is out of its range, or asks for more than 2²² hashes in all. */
  | 'invalid_option'
  /** At most one of several nodes has points on ketama's circle: the weights are too far apart, or `hashCount` too small. */
  | 'too_few_points'
  /** Not an integer from 0 to 4,095. */
  | 'invalid_partition'
  /** What was to be a ring's JSON is not. */
  | 'invalid_json'
  /** Maglev's table size is not a prime from the number of nodes to 2²⁴. */
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
