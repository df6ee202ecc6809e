import {
  brandValue,
  isEncoding,
  isErrorCode,
  isRecord,
  type DeleteOutcome,
  type Entry,
  type ErrorCode,
  type FetchOutcome,
  type ItemFailure,
  type QueryOutcome,
  type SetOutcome,
} from '@kvs/protocol';
import type { NodeStats } from '@kvs/router';

/** A node's answer to a batch: a body to read, or a refusal of the whole batch. */
export type NodeAnswer = { readonly status: number; readonly body: string } | ItemFailure;

/**
 * Read a node's answers as outcomes, one for each item that was asked. What is not as the protocol has it becomes the
 * failure `node_error` of all items: nothing of such an answer is believed.
 */
export function readSetOutcomes(answer: NodeAnswer, count: number): SetOutcome[] {
  return readWrites(answer, count, 'versions', (version) =>
    typeof version === 'number' ? { ok: true, version } : undefined,
  );
}

export function readDeleteOutcomes(answer: NodeAnswer, count: number): DeleteOutcome[] {
  return readWrites(answer, count, 'deleted', (deleted) =>
    typeof deleted === 'boolean' ? { ok: true, deleted } : undefined,
  );
}

export function readFetchOutcomes(answer: NodeAnswer, count: number): FetchOutcome[] {
  return readItems(answer, count, (item) => {
    if (item['value'] === null) return { ok: true, entry: null };
    const entry = readEntry(item);
    return entry && { ok: true, entry };
  });
}

export function readQueryOutcomes(answer: NodeAnswer, count: number): QueryOutcome[] {
  return readItems(answer, count, ({ value }) =>
    typeof value === 'boolean' ? { ok: true, present: value } : undefined,
  );
}

export function readStats(answer: { readonly status: number; readonly body: string }): NodeStats {
  const body = parse(answer.body);
  if (isRecord(body) && typeof body['engine'] === 'string' && typeof body['keys'] === 'number') {
    return { engine: body['engine'], keys: body['keys'] };
  }
  return { engine: 'unknown', keys: 0 };
}

/** A problem answers for the whole batch. */
export function readProblem(node: string, body: string): ItemFailure {
  const problem = parse(body);
  if (!isRecord(problem) || !isErrorCode(problem['code'])) return NONSENSE;
  return {
    ok: false,
    code: codeForClients(problem['code']),
    message: `${node}: ${String(problem['detail'])}`,
  };
}

const NONSENSE: ItemFailure = {
  ok: false,
  code: 'node_error',
  message: 'the storage node gave an answer that is not of the protocol',
};

/** A node on its way down is, to a client of the proxy, a node that is away. */
function codeForClients(code: ErrorCode): ErrorCode {
  return code === 'shutting_down' || code === 'not_ready' ? 'node_unavailable' : code;
}

/** Writes list an outcome per item, `null` for a failure, and the failures apart, in the same order. */
function readWrites<O extends { readonly ok: true }>(
  answer: NodeAnswer,
  count: number,
  property: 'versions' | 'deleted',
  read: (outcome: unknown) => O | undefined,
): (O | ItemFailure)[] {
  if ('ok' in answer) return failAll(answer, count);
  const body = parse(answer.body);
  const outcomes = isRecord(body) ? body[property] : undefined;
  const failures = isRecord(body) ? body['keys_failed'] : undefined;
  if (!Array.isArray(outcomes) || !Array.isArray(failures) || outcomes.length !== count)
    return failAll(NONSENSE, count);
  const remaining = failures.values();
  return outcomes.map((outcome: unknown) => {
    if (outcome !== null) return read(outcome) ?? NONSENSE;
    const failure: unknown = remaining.next().value;
    return readFailure(failure) ?? NONSENSE;
  });
}

function readItems<O extends { readonly ok: true }>(
  answer: NodeAnswer,
  count: number,
  read: (item: Readonly<Record<string, unknown>>) => O | undefined,
): (O | ItemFailure)[] {
  if ('ok' in answer) return failAll(answer, count);
  const body = parse(answer.body);
  if (!Array.isArray(body) || body.length !== count) return failAll(NONSENSE, count);
  return body.map((item: unknown) => {
    if (!isRecord(item)) return NONSENSE;
    return readFailure(item['error']) ?? read(item) ?? NONSENSE;
  });
}

function readFailure(failure: unknown): ItemFailure | undefined {
  if (!isRecord(failure) || !isErrorCode(failure['code'])) return undefined;
  const maybeApplied = failure['maybe_applied'] === true;
  return {
    ok: false,
    code: failure['code'],
    message: String(failure['message']),
    ...(maybeApplied ? { maybeApplied } : undefined),
  };
}

function readEntry({ value, version, ttl_ms: ttlMs }: Readonly<Record<string, unknown>>): Entry | undefined {
  if (!isRecord(value) || typeof version !== 'number') return undefined;
  const { encoding, data } = value;
  if (!isEncoding(encoding) || typeof data !== 'string') return undefined;
  const entry = { value: brandValue({ encoding, data }), version };
  return typeof ttlMs === 'number' ? { ...entry, ttlMs } : entry;
}

function failAll(failure: ItemFailure, count: number): ItemFailure[] {
  return new Array<ItemFailure>(count).fill(failure);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // what is not JSON is not an answer of the protocol either
  }
}
