import { ERROR_CODES, KvsError, type ErrorCode } from './errors.js';

/** The media type of every error body (RFC 9457). */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** An issue at one place of a request body. */
export interface ValidationIssue {
  /** JSON pointer (RFC 6901) to the place. */
  readonly pointer: string;
  readonly code: ErrorCode;
  readonly detail: string;
}

/** How many issues one answer lists. */
export const MAX_LISTED_ISSUES = 20;

/** An error body: RFC 9457 with extension members, `code` and those below it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** The first issues of an invalid request body. */
  readonly errors?: readonly ValidationIssue[];
  /** How many items of the batch are invalid, listed or not. */
  readonly invalid_items?: number;
  /** The nodes that a read needed and could not reach. */
  readonly nodes?: readonly string[];
  /** Set if the write may have been applied. */
  readonly maybe_applied?: true;
}

/** The request body is invalid. Nothing was changed. */
export class InvalidRequestError extends KvsError {
  override readonly name = 'InvalidRequestError';

  constructor(
    /** The first issues, in the order of the body. */
    readonly issues: readonly ValidationIssue[],
    /** How many items are invalid, listed or not. */
    readonly invalidItems: number,
    detail: string,
  ) {
    super('invalid_request', detail);
  }

  /** 413 if every issue is one of size, else 400. */
  override get status(): number {
    const statuses = new Set(this.issues.map(({ code }) => ERROR_CODES[code].status));
    return statuses.size === 1 && statuses.has(413) ? 413 : 400;
  }
}

/** A write failed, and may have been applied. */
export class MaybeAppliedError extends KvsError {
  override readonly name = 'MaybeAppliedError';

  constructor(code: ErrorCode, reason: string) {
    super(code, `${reason}; the write may have been applied`);
  }
}

/** A read could not reach every node that it needs. */
export class NodesUnavailableError extends KvsError {
  override readonly name = 'NodesUnavailableError';

  constructor(
    readonly nodes: readonly string[],
    options?: ErrorOptions,
  ) {
    super('node_unavailable', `cannot reach ${nodes.join(', ')}`, options);
  }
}

/**
 * A node does not serve a partition, or knows too old a topology to tell. If a scan fails with this error, it has given all
 * pairs of the partitions before this one, and none of those from it on.
 */
export class WrongNodeError extends KvsError {
  override readonly name = 'WrongNodeError';

  constructor(
    readonly partition: number,
    options?: ErrorOptions,
  ) {
    super('wrong_node', `this node does not serve the partition ${partition}`, options);
  }
}

/** Returns the problem document (RFC 9457) of an error. */
export function problemOf(error: KvsError): Problem {
  return {
    type: problemType(error.code),
    title: ERROR_CODES[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(error instanceof InvalidRequestError
      ? { errors: error.issues, invalid_items: error.invalidItems }
      : undefined),
    ...(error instanceof NodesUnavailableError ? { nodes: error.nodes } : undefined),
    ...(error instanceof MaybeAppliedError ? { maybe_applied: true } : undefined),
  };
}

/** Returns a URI reference that names the error. docs/protocol.md lists them all. */
function problemType(code: ErrorCode): string {
  return `urn:kvs:error:${code}`;
}
