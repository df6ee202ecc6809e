/** The codes of errors, which code may test. The wording of messages may change. */
export type HashRingErrorCode =
  /** The list of nodes is empty or no list, or the last node would be removed. */
  | 'no_nodes'
  /** A node is neither a string nor an object with a string id, or the id is empty or has a lone surrogate. */
  | 'invalid_node'
  /** Two nodes have the same id. */
  | 'duplicate_node'
  /** A weight is not a number from 2⁻³² to 2³², or the strategy has no weights. */
  | 'invalid_weight'
  /** More nodes than the placement can distinguish. */
  | 'too_many_nodes'
  /** No node has this id. */
  | 'unknown_node'
  /** More distinct nodes are requested than there are. */
  | 'not_enough_nodes'
  /** The number of nodes is not an integer above zero. */
  | 'invalid_count'
  /** A key is neither a string nor a `Uint8Array`. */
  | 'invalid_key'
  /** `hash` is not a function; or an option of ketama is out of range, or needs more than 2²² hashes in all. */
  | 'invalid_option'
  /**
   * At most one of several nodes has points on ketama's circle: the weights differ too much, or `hashCount` is too
   * small.
   */
  | 'too_few_points'
  /** Not an integer from 0 to 4,095. */
  | 'invalid_partition'
  /** The JSON does not describe a ring. */
  | 'invalid_json'
  /** Maglev's table size is not a prime from the number of nodes to 2²⁴. */
  | 'invalid_table_size'
  /** Jump hashing can only remove its last node. */
  | 'not_last_node';

/** The error class of this package. */
export class HashRingError extends Error {
  override readonly name = 'HashRingError';

  constructor(
    readonly code: HashRingErrorCode,
    message: string,
  ) {
    super(message);
  }
}
