import { isRecord } from '@kvs/protocol';
import type { Act, Result } from '@kvs-tools/cluster-simulation';
import { fieldsIn, NotConnectedError, send, type Answer } from './send.js';

/**
 * Does an operation on one key at a proxy.
 *
 * @returns undefined if nobody knows whether the operation was done
 * @throws Error if the answer shows a defect
 */
export async function operate(origin: string, key: string, act: Act): Promise<Result | undefined> {
  const [method, path] = ROUTES[act.kind];
  let answer: Answer;
  try {
    answer = await send(method, `${origin}${path}?meta=true`, [itemOf(key, act)]);
  } catch (error) {
    if (error instanceof NotConnectedError || act.kind === 'read') return refused('no_answer');
    return undefined;
  }
  return resultIn(answer, act);
}

/** Reads many keys at once. A key without a result could not be read. */
export async function readAll(origin: string, keys: readonly string[]): Promise<Map<string, Result>> {
  const items = keys.map((key) => itemOf(key, { kind: 'read' }));
  const answer = await send('POST', `${origin}/fetch?meta=true`, items);
  const outcomes: unknown = JSON.parse(answer.text);
  const results = new Map<string, Result>();
  keys.forEach((key, at) => {
    const result = readIn(Array.isArray(outcomes) ? outcomes[at] : undefined);
    if (result.kind !== 'refused') results.set(key, result);
  });
  return results;
}

const ROUTES = {
  set: ['PUT', '/set'],
  delete: ['POST', '/delete'],
  read: ['POST', '/fetch'],
} as const;

function itemOf(key: string, act: Act): object {
  const condition = act.kind !== 'read' && act.ifVersion !== undefined ? { if_version: act.ifVersion } : {};
  const value = act.kind === 'set' ? { value: { encoding: 'string', data: act.value } } : {};
  return { key: { encoding: 'string', data: key }, ...value, ...condition };
}

function resultIn({ text }: Answer, act: Act): Result | undefined {
  const body: unknown = JSON.parse(text);
  if (Array.isArray(body)) return readIn(body[0]);
  const fields = fieldsIn(text);
  // The whole request was refused.
  if (typeof fields['code'] === 'string') return failureOf(fields, act);
  const failure = first(fields['keys_failed']);
  if (failure !== undefined) return failureOf(failure, act);
  const version = first(fields['versions']);
  if (act.kind === 'set' && typeof version === 'number') return { kind: 'set', version };
  const deleted = first(fields['deleted']);
  if (act.kind === 'delete' && typeof deleted === 'boolean') return { kind: deleted ? 'deleted' : 'absent' };
  throw new Error(`the answer is not understood: ${text}`);
}

function readIn(outcome: unknown): Result {
  if (!isRecord(outcome)) throw new Error(`the answer is not understood: ${JSON.stringify(outcome)}`);
  const { value, version, error } = outcome;
  if (isRecord(error)) return refused(codeOf(error));
  if (value === null) return { kind: 'absent' };
  if (!isRecord(value) || typeof value['data'] !== 'string' || typeof version !== 'number')
    throw new Error(`the answer is not understood: ${JSON.stringify(outcome)}`);
  return { kind: 'found', value: value['data'], version };
}

function failureOf(failure: unknown, act: Act): Result | undefined {
  const code = codeOf(failure);
  if (code === 'version_mismatch') return { kind: 'mismatch' };
  const mayBeDone = isRecord(failure) && failure['maybe_applied'] === true;
  return mayBeDone && act.kind !== 'read' ? undefined : refused(code);
}

/** @throws Error if the code says that a server has a defect */
function codeOf(failure: unknown): string {
  const code = isRecord(failure) ? String(failure['code']) : 'none';
  if (DEFECTS.has(code)) throw new Error(`a server answers ${JSON.stringify(failure)}`);
  return code;
}

function first(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined;
}

function refused(code: string): Result {
  return { kind: 'refused', code };
}

const DEFECTS: ReadonlySet<string> = new Set(['internal_error', 'node_error', 'none', 'invalid_request']);
