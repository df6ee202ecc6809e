import { Buffer } from 'node:buffer';
import { isVersionCondition, type Entry, type ItemFailure, type Value } from '@kvs/protocol';
import type { Kind, OpenCall, OutcomeOf } from '../batch.js';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder, mayExceed } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
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

/** How large the frames of answers may be, in bytes. */
export interface AnswerFrameLimits {
  /** A frame has at most so many, unless it has only one outcome. At most a third of `maxFrameBytes`. */
  readonly frameBytes: number;
  /** The largest frame that the proxy takes. An entry that alone is larger fails with `answer_too_large`. */
  readonly maxFrameBytes: number;
}

/**
 * Writes answers as frames. The outcomes of one call may need several frames. The proxy knows how many items it sent, so it
 * notices when all outcomes have come.
 */
export function encodeAnswers(
  builder: FrameBuilder,
  answers: readonly Answer[],
  { frameBytes, maxFrameBytes }: AnswerFrameLimits,
): Buffer[] {
  const frames: Buffer[] = [];
  /** Begins a further frame if the present one has no room for so much text. Returns whether it did. */
  const makeRoom = (units: number): boolean => {
    const hasRoom = builder.size + ANSWER_BYTES + OUTCOME_BYTES + units <= frameBytes;
    if (hasRoom || builder.size === FRAME_HEADER_BYTES) return false;
    frames.push(builder.finish());
    builder.begin(FRAME.answers);
    return true;
  };
  builder.begin(FRAME.answers);
  for (const answer of answers) {
    if ('refusal' in answer) {
      makeRoom(MAX_REFUSAL_UNITS);
      putRefused(builder, answer.id, answer.refusal);
      continue;
    }
    let isBegun = false;
    for (const outcome of answer.outcomes) {
      if (makeRoom(textOf(outcome)) || !isBegun) putHead(builder, answer.id, answer.kind);
      isBegun = true;
      putOutcome(builder, outcome, maxFrameBytes);
    }
  }
  frames.push(builder.finish());
  return frames;
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

function putHead(builder: FrameBuilder, id: number, kind: Kind): void {
  builder.reserve(ANSWER_BYTES);
  builder.varint(id);
  builder.byte(KIND_CODES[kind]);
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
export class AnswerReader<C extends OpenCall> {
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
      if (call.outcomes.length === call.items.length) throw new LinkProtocolError('a call is answered twice');
      if (!cursor.hasNumbers) throw new LinkProtocolError('an answer has no outcomes');
      readOutcomes(cursor, call);
      this.#received(call);
      const isComplete = call.outcomes.length === call.items.length;
      this.#begun = isComplete ? undefined : id;
      if (isComplete) answered.push({ id, call });
    }
    cursor.finish();
    return answered;
  }
}

/** Reads the missing outcomes of a call, as many as the frame has. */
function readOutcomes(cursor: FrameCursor, call: OpenCall): void {
  while (call.outcomes.length < call.items.length && cursor.hasNumbers) {
    const flags = cursor.byte();
    if ((flags & OK) === 0) call.outcomes.push(readFailure(cursor, flags));
    else
      switch (call.kind) {
        case 'set':
          call.outcomes.push({ ok: true, created: isYes(flags), version: checkedVersion(cursor.integer()) });
          break;
        case 'fetch':
          call.outcomes.push({ ok: true, entry: readEntry(cursor, flags) });
          break;
        case 'query':
          call.outcomes.push({ ok: true, present: isYes(flags) });
          break;
        case 'delete':
          call.outcomes.push({ ok: true, deleted: isYes(flags) });
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

const ANSWER_BYTES = MAX_VARINT_BYTES + 1;
const OUTCOME_BYTES = 1 + 2 * MAX_VARINT_BYTES + 3 * INTEGER_BYTES;

const TOO_LARGE: ItemFailure = {
  ok: false,
  code: 'answer_too_large',
  message: 'the pair is larger than the link to the storage node takes',
};
