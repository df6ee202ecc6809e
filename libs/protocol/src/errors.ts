/**
 * All error codes of kvs, each with the HTTP status of an answer that fails for this reason. Codes are stable, so
 * clients may branch on them. Titles are for people and may change.
 */
export const ERROR_CODES = {
  // The request is wrong. Nothing was changed.
  invalid_json: { status: 400, title: 'The body is not JSON' },
  invalid_shape: { status: 400, title: 'The request does not have the expected shape' },
  unknown_property: { status: 400, title: 'The request has a property that is not known' },
  invalid_encoding: { status: 400, title: 'The encoding is neither string nor binary' },
  invalid_data: { status: 400, title: 'The data is not valid in its encoding' },
  empty_key: { status: 400, title: 'The key is empty' },
  key_too_long: { status: 413, title: 'The key is too long' },
  value_too_large: { status: 413, title: 'The value is too large' },
  too_many_items: { status: 400, title: 'The batch has too many items' },
  invalid_ttl: { status: 400, title: 'The time to live is not a positive whole number of milliseconds' },
  invalid_integer: { status: 400, title: 'The number is not an integer of 64 bits' },
  invalid_version: { status: 400, title: 'The version is not a whole number' },
  invalid_parameter: { status: 400, title: 'A query parameter or header is not valid' },
  invalid_request: { status: 400, title: 'The request is not valid' },
  cross_origin: { status: 403, title: 'A page of another origin may not use this server' },
  not_found: { status: 404, title: 'No such resource' },
  key_not_found: { status: 404, title: 'The key is absent' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  not_acceptable: { status: 406, title: 'The answer comes in no media type that is accepted' },
  request_timeout: { status: 408, title: 'The request did not come in time' },
  body_too_large: { status: 413, title: 'The body is too large' },
  answer_too_large: { status: 413, title: 'The answer would be too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported' },
  expectation_failed: { status: 417, title: 'The expectation is not supported' },
  wrong_host: { status: 421, title: 'The server is not for this host name' },
  upgrade_required: { status: 426, title: 'Only a connection that is upgraded is of use here' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  not_implemented: { status: 501, title: 'The server does not implement this' },

  // About the nodes of a cluster.
  unknown_node: { status: 404, title: 'No such node' },
  duplicate_node: { status: 409, title: 'Another node has the id, the address or the boot id' },
  wrong_store: { status: 409, title: 'The node has its pairs elsewhere than the nodes of the cluster' },
  outdated_directory: { status: 409, title: 'The data directory of the node is a restored backup' },
  node_in_use: { status: 409, title: 'The node is in use' },
  not_leader: { status: 409, title: 'The proxy does not lead the cluster' },
  wrong_cluster: { status: 409, title: 'The request is about another cluster' },
  store_unavailable: { status: 503, title: 'The topology cannot be read or changed' },
  invalid_topology: { status: 503, title: 'The topology in the store is damaged, or of another version' },
  outdated_store: { status: 503, title: 'The topology store has lost changes' },

  // The request is valid, and could not be carried out.
  wrong_node: { status: 421, title: 'The storage node does not serve the partition of the key' },
  version_mismatch: { status: 409, title: 'The version is not the one asked for' },
  not_an_integer: { status: 409, title: 'The value is not an integer' },
  integer_overflow: { status: 409, title: 'The sum is beyond the integers of 64 bits' },
  precondition_failed: { status: 412, title: 'A precondition of the request does not hold' },
  internal_error: { status: 500, title: 'An unexpected error' },
  node_error: { status: 502, title: 'A storage node gave an answer that makes no sense' },
  node_unavailable: { status: 503, title: 'A storage node cannot be reached' },
  under_replicated: { status: 503, title: 'Too few copies of the partition are in sync to accept writes' },
  engine_unavailable: { status: 503, title: 'The storage engine cannot be reached' },
  not_ready: { status: 503, title: 'The server cannot serve yet' },
  overloaded: { status: 503, title: 'Too much is in flight already' },
  shutting_down: { status: 503, title: 'The server is shutting down' },
  out_of_memory: { status: 507, title: 'The store is full' },
  loop_detected: { status: 508, title: 'A proxy was given a proxy as a storage node' },
} as const satisfies Record<string, { status: number; title: string }>;

/** The code of an error. Codes are stable: programs may rely on them. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether this is the code of an error of kvs. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}

/** The base of every operating error of kvs. A programmer's mistake is a `TypeError` instead. */
export class KvsError extends Error {
  override readonly name: string = 'KvsError';

  constructor(
    /** A stable code. Branch on this, not on the message. */
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}
