import {
  isExpired,
  microsToMs,
  type EnginePresenceOutcome,
  type EngineReadOutcome,
  type EngineKey,
} from '@kvs/kv-store';
import { answerTooLarge, KvsError } from '@kvs/protocol';
import { NO_OUTCOME, readOperation, type BatchOperation, type CallSteps } from './batch-runner.js';
import { numberIn, presenceOutcomes, readOutcomes } from './data/answers.js';
import { encodeKeyId, leastValueBytes, type Bytes } from './data/pair-codec.js';
import { HAS } from './data/scripts.js';

/** The approximate cost of an item besides its data, here and on the wire. */
const ITEM_BYTES = 100;

export function keyBytes({ id }: EngineKey): number {
  return ITEM_BYTES + id.length;
}

export function readPairs(nowMicros: number): BatchOperation<EngineKey, EngineReadOutcome> {
  return {
    bytesOf: keyBytes,
    operation: (keys) => readOperation('HMGET', encodedIds(keys)),
    outcomes: (answer) => readOutcomes(answer, (expiresAtMs) => isExpired(expiresAtMs, nowMicros)),
  };
}

export function askPresence(nowMicros: number): BatchOperation<EngineKey, EnginePresenceOutcome> {
  const nowMs = String(microsToMs(nowMicros));
  return {
    bytesOf: keyBytes,
    operation: (keys) => readOperation(HAS, [nowMs, ...encodedIds(keys)]),
    outcomes: presenceOutcomes,
  };
}

/**
 * Reads pairs only if their sizes show that the values fit. It first reads the pairs of servers that answer at once,
 * and then waits for the others, so that one server that is away does not use up the time of all.
 *
 * @param keys distinct objects that nobody changes
 * @throws KvsError `answer_too_large`, or `engine_unavailable` if no server answered
 */
export async function fetchWithin(
  keys: readonly EngineKey[],
  maxBytes: number,
  nowMicros: number,
  call: CallSteps,
): Promise<readonly EngineReadOutcome[]> {
  const outcomes = new Map<EngineKey, EngineReadOutcome>();
  let bytes = 0;
  let open = keys;
  for (const isPatient of [false, true]) {
    const sizes = await askSizes(open, isPatient, call, outcomes);
    if (bytes + sum(sizes) > maxBytes) await dropExpired(sizes, nowMicros, call, outcomes);
    bytes += sum(sizes);
    if (bytes > maxBytes) throw answerTooLarge(maxBytes);
    const found = [...sizes.keys()];
    const pairs = await call.tryItems(found, readPairs(nowMicros));
    for (const [index, key] of found.entries()) outcomes.set(key, pairs[index] ?? NO_OUTCOME);
    open = open.filter((key) => !sizes.has(key) && outcomes.get(key)?.status === 'unavailable');
    if (open.length === 0) break;
  }
  const answer = keys.map((key) => outcomes.get(key) ?? NO_OUTCOME);
  const [first] = answer;
  if (first?.status === 'unavailable' && answer.every(({ status }) => status === 'unavailable'))
    throw new KvsError('engine_unavailable', first.message);
  return answer;
}

/** Returns the least bytes of the value of each pair that exists. The other keys get their outcomes. */
async function askSizes(
  keys: readonly EngineKey[],
  isPatient: boolean,
  call: CallSteps,
  outcomes: Map<EngineKey, EngineReadOutcome>,
): Promise<Map<EngineKey, number>> {
  const sizes = new Map<EngineKey, number>();
  const replies = await call.onEach(keys, ({ id }) => readOperation('HSTRLEN', [encodeKeyId(id)]), isPatient);
  for (const [index, key] of keys.entries()) {
    const reply = replies[index];
    if (reply?.kind !== 'answered')
      outcomes.set(key, reply ? { status: 'unavailable', message: reply.message } : NO_OUTCOME);
    else if (reply.value === 0) outcomes.set(key, { status: 'absent' });
    else sizes.set(key, leastValueBytes(numberIn(reply.value)));
  }
  return sizes;
}

/** Expired pairs have a size until they are reclaimed. */
async function dropExpired(
  sizes: Map<EngineKey, number>,
  nowMicros: number,
  call: CallSteps,
  outcomes: Map<EngineKey, EngineReadOutcome>,
): Promise<void> {
  const keys = [...sizes.keys()];
  const presence = await call.tryItems(keys, askPresence(nowMicros));
  for (const [index, key] of keys.entries()) {
    if (presence[index]?.status !== 'absent') continue;
    outcomes.set(key, { status: 'absent' });
    sizes.delete(key);
  }
}

function encodedIds(keys: readonly EngineKey[]): Bytes[] {
  return keys.map(({ id }) => encodeKeyId(id));
}

function sum(sizes: ReadonlyMap<EngineKey, number>): number {
  let bytes = 0;
  for (const size of sizes.values()) bytes += size;
  return bytes;
}
