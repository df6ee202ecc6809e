import { Buffer } from 'node:buffer';
import { isVersionCondition, type Entry, type ItemFailure, type Value } from '@kvs/protocol';
import type { Kind, OutcomeList, OutcomeOf } from '../batch.js';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder, mayExceed } from './frame-builder.js';
import type { FrameCursor } from './frame-reader.js';
import { allowFlags, FRAME, FRAME_HEADER_BYTES, KIND_CODES, kindOf, LinkProtocolError } from './frame.js';
import { readValue } from './item-checks.js';
import { MAX_MESSAGE_UNITS, putRefusal, readRefusal, REFUSAL_BYTES, type Refusal } from './refusal.js';

interface OutcomesOf<K extends Kind> {
  readonly kind: K;
  readonly outcomes: readonly OutcomeOf<K>[];
}

/** The outcomes of a call, one for each of its items, or the refusal of the call. */
export type Answer = { readonly id: number } & (
  { readonly [K in Kind]: OutcomesOf<K> }[Kind] | { readonly refusal: Refusal }
);

/**
 * Writes answers as frames of about `frameBytes`. The outcomes of one call may need several frames. The proxy knows how many
 * items it sent, so it notices when all outcomes have come.
 *
 * @param maxFrameBytes the largest frame that the proxy takes; an entry that alone is larger fails with `answer_too_large`
 */
export function encodeAnswers(
  builder: FrameBuilder,
  answers: readonly Answer[],
  { frameBytes, maxFrameBytes }: { readonly frameBytes: number; readonly maxFrameBytes: number },
): Buffer[] {
  const frames: Buffer[] = [];
  builder.begin(FRAME.answers);
  for (const answer of answers) {
    if (!hasRoom(builder, answer, frameBytes, maxFrameBytes)) {
      frames.push(builder.finish());
      builder.begin(FRAME.answers);
    }
    if ('refusal' in answer) putRefused(builder, answer.id, answer.refusal);
    else putOutcomes(builder, answer, frames, frameBytes, maxFrameBytes);
  }
  frames.push(builder.finish());
  return frames;
}

/**
 * Whether the frame has room for the next outcome of an answer. A large outcome gets a frame of its own, even if the frame has
 * few bytes: {@link isTooLarge} compares the outcome with an empty frame.
 */
function hasRoom(builder: FrameBuilder, answer: Answer, frameBytes: number, maxFrameBytes: number): boolean {
  const { size } = builder;
  if (size === FRAME_HEADER_BYTES) return true;
  if (size > frameBytes) return false;
  const first = 'refusal' in answer ? undefined : answer.outcomes[0];
  const units = first === undefined ? MAX_REFUSAL_UNITS : textOf(first);
  return !mayExceed(size + ANSWER_BYTES + OUTCOME_BYTES + units, maxFrameBytes);
}

/** Puts outcomes until the frame is long enough, and the rest into further frames. */
function putOutcomes(
  builder: FrameBuilder,
  answer: Exclude<Answer, { readonly refusal: Refusal }>,
  frames: Buffer[],
  frameBytes: number,
  maxFrameBytes: number,
): void {
  const { outcomes, kind, id } = answer;
  let from = 0;
  do {
    const to = partEnd(outcomes, from, frameBytes - builder.size);
    builder.reserve(ANSWER_BYTES);
    builder.varint(id);
    builder.byte(KIND_CODES[kind]);
    builder.varint(to - from);
    for (let i = from; i < to; i++) {
      const outcome = outcomes[i];
      if (outcome !== undefined) putOutcome(builder, outcome, maxFrameBytes);
    }
    from = to;
    if (from === outcomes.length) break;
    frames.push(builder.finish());
    builder.begin(FRAME.answers);
  } while (from < outcomes.length);
}

/** Returns the end of the outcomes that have about `bytes` bytes of text together: at least one if there is one. */
function partEnd(outcomes: readonly OutcomeOf<Kind>[], from: number, bytes: number): number {
  let room = bytes;
  let to = from;
  while (to < outcomes.length && (room > 0 || to === from)) {
    const outcome = outcomes[to];
    if (outcome !== undefined) room -= textOf(outcome) + OUTCOME_BYTES;
    if (room < 0 && to > from) break;
    to++;
  }
  return to;
}

function textOf(outcome: OutcomeOf<Kind>): number {
  if (!outcome.ok) return outcome.code.length + Math.min(outcome.message.length, MAX_MESSAGE_UNITS);
  return 'entry' in outcome && outcome.entry !== null ? outcome.entry.value.data.length : 0;
}

function putOutcome(builder: FrameBuilder, outcome: OutcomeOf<Kind>, maxFrameBytes: number): void {
  builder.reserve(OUTCOME_BYTES);
  if (!outcome.ok) putFailure(builder, outcome);
  else if ('version' in outcome) {
    builder.byte(outcome.created ? OK | YES : OK);
    builder.integer(outcome.version);
  } else if ('present' in outcome) builder.byte(outcome.present ? OK | YES : OK);
  else if ('deleted' in outcome) builder.byte(outcome.deleted ? OK | YES : OK);
  else if (outcome.entry === null) builder.byte(OK);
  else if (isTooLarge(outcome.entry.value, maxFrameBytes)) putFailure(builder, TOO_LARGE);
  else putEntry(builder, outcome.entry);
}

function putEntry(builder: FrameBuilder, { value, version, ttlMs, expiresAtMs = 0 }: Entry): void {
  const binary = value.encoding === 'binary' ? VALUE_BINARY : 0;
  builder.byte(OK | YES | binary | (ttlMs === undefined ? 0 : HAS_TTL));
  builder.varint(value.data.length);
  builder.integer(version);
  if (ttlMs !== undefined) {
    builder.integer(ttlMs);
    builder.integer(expiresAtMs);
  }
  builder.text(value.data);
}

function putFailure(builder: FrameBuilder, failure: ItemFailure): void {
  builder.byte(failure.maybeApplied ? MAYBE_APPLIED : 0);
  putRefusal(builder, failure);
}

function putRefused(builder: FrameBuilder, id: number, refusal: Refusal): void {
  builder.reserve(ANSWER_BYTES + REFUSAL_BYTES);
  builder.varint(id);
  builder.byte(REFUSED);
  putRefusal(builder, refusal);
}

function isTooLarge({ data }: Value, maxFrameBytes: number): boolean {
  const room = maxFrameBytes - FRAME_HEADER_BYTES - ANSWER_BYTES - OUTCOME_BYTES;
  return mayExceed(data.length, room) && Buffer.byteLength(data) > room;
}

/** A call with all of its outcomes; with a refusal, it has none. */
export interface Answered<C> {
  readonly id: number;
  readonly call: C;
  readonly refusal?: Refusal;
}

/**
 * Reads frames of answers into the calls that they belong to. An answer may continue in the next frame. No other answer
 * starts before its end, so at most one answer of a node is incomplete.
 */
export class AnswerReader<C extends OutcomeList> {
  /** The call whose answer goes on. */
  #begun: number | undefined;

  readonly #find: (id: number) => C | undefined;
  readonly #received: (call: C) => void;

  /**
   * @param find returns the call of an id, if it is unanswered
   * @param received told of each call that has further outcomes
   */
  constructor(find: (id: number) => C | undefined, received: (call: C) => void = () => undefined) {
    this.#find = find;
    this.#received = received;
  }

  /**
   * @returns the calls whose answer has ended with this frame
   * @throws LinkProtocolError if the frame is not valid; then none of its outcomes counts
   */
  read(cursor: FrameCursor): Answered<C>[] {
    const answered: Answered<C>[] = [];
    /** The refused ones among them, whose outcomes don't show that they are answered. */
    let refused: Set<number> | undefined;
    while (cursor.hasNumbers) {
      const id = cursor.varint();
      const call = this.#find(id);
      if (call === undefined || refused?.has(id))
        throw new LinkProtocolError(`an answer to the call ${id}, which is not open`);
      if (this.#begun !== undefined && this.#begun !== id)
        throw new LinkProtocolError('an answer begins before the one before it has ended');
      const status = cursor.byte();
      if (status === REFUSED) {
        if (call.outcomes.length > 0)
          throw new LinkProtocolError('a call is refused that is answered in part');
        answered.push({ id, call, refusal: readRefusal(cursor) });
        (refused ??= new Set()).add(id);
        continue;
      }
      if (kindOf(status) !== call.kind)
        throw new LinkProtocolError('an answer is of another operation than its call');
      const count = cursor.varint();
      const missing = call.items.length - call.outcomes.length;
      if (count === 0) throw new LinkProtocolError('an answer has no outcomes');
      if (count > missing) throw new LinkProtocolError('an answer has more outcomes than its call has items');
      readOutcomes(cursor, call, count);
      this.#received(call);
      this.#begun = count < missing ? id : undefined;
      if (count === missing) answered.push({ id, call });
    }
    cursor.finish();
    return answered;
  }
}

function readOutcomes(cursor: FrameCursor, call: OutcomeList, count: number): void {
  switch (call.kind) {
    case 'set':
      for (let i = 0; i < count; i++) {
        const flags = cursor.byte();
        call.outcomes.push(
          flags & OK
            ? { ok: true, created: isYes(flags), version: checkedVersion(cursor.integer()) }
            : readFailure(cursor, flags),
        );
      }
      break;
    case 'fetch':
      for (let i = 0; i < count; i++) {
        const flags = cursor.byte();
        call.outcomes.push(
          flags & OK ? { ok: true, entry: readEntry(cursor, flags) } : readFailure(cursor, flags),
        );
      }
      break;
    case 'query':
      for (let i = 0; i < count; i++) {
        const flags = cursor.byte();
        call.outcomes.push(flags & OK ? { ok: true, present: isYes(flags) } : readFailure(cursor, flags));
      }
      break;
    case 'delete':
      for (let i = 0; i < count; i++) {
        const flags = cursor.byte();
        call.outcomes.push(flags & OK ? { ok: true, deleted: isYes(flags) } : readFailure(cursor, flags));
      }
  }
}

function isYes(flags: number): boolean {
  allowFlags(flags, OK | YES);
  return (flags & YES) !== 0;
}

function readEntry(cursor: FrameCursor, flags: number): Entry | null {
  if (flags === OK) return null;
  allowFlags(flags, OK | YES | VALUE_BINARY | HAS_TTL);
  if ((flags & YES) === 0) throw new LinkProtocolError('an absent key has an entry');
  const units = cursor.varint();
  const version = checkedVersion(cursor.integer());
  const ttlMs = flags & HAS_TTL ? cursor.integer() : undefined;
  const expiresAtMs = flags & HAS_TTL ? cursor.integer() : 0;
  const value = readValue(cursor, flags & VALUE_BINARY ? 'binary' : 'string', units);
  if (ttlMs === undefined) return { value, version };
  if (ttlMs === 0 || !Number.isSafeInteger(ttlMs) || !Number.isSafeInteger(expiresAtMs))
    throw new LinkProtocolError('a time to live is out of its range');
  return { value, version, ttlMs, expiresAtMs };
}

function checkedVersion(version: number): number {
  if (version === 0 || !isVersionCondition(version))
    throw new LinkProtocolError('a version is out of its range');
  return version;
}

function readFailure(cursor: FrameCursor, flags: number): ItemFailure {
  allowFlags(flags, MAYBE_APPLIED);
  const { code, message } = readRefusal(cursor);
  return flags & MAYBE_APPLIED
    ? { ok: false, code, message, maybeApplied: true }
    : { ok: false, code, message };
}

/** Stands in place of the operation if the call is refused. */
export const REFUSED = 0;

/** Flags of an outcome. */
const OK = 1;
/** Created, present, deleted, or with an entry. */
const YES = 2;
const VALUE_BINARY = 4;
const HAS_TTL = 8;
const MAYBE_APPLIED = 16;

/** Includes the code, which is much shorter than the message. */
const MAX_REFUSAL_UNITS = 2 * MAX_MESSAGE_UNITS;

const ANSWER_BYTES = 2 * MAX_VARINT_BYTES + 1;
const OUTCOME_BYTES = 1 + 2 * MAX_VARINT_BYTES + 3 * INTEGER_BYTES;

const TOO_LARGE: ItemFailure = {
  ok: false,
  code: 'answer_too_large',
  message: 'the pair is larger than the link to the storage node takes',
};
