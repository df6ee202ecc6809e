import { Buffer } from 'node:buffer';
import {
  brandValue,
  canonicalData,
  isErrorCode,
  isTtl,
  isValidData,
  isVersionCondition,
  type Entry,
  type Encoding,
  type ErrorCode,
  type ItemFailure,
  type Value,
} from '@kvs/protocol';
import type { Kind, OutcomeList, OutcomeOf } from '../batch.js';
import type { Refusal } from './calls.js';
import { allowFlags } from './flags.js';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FRAME, FRAME_HEADER_BYTES } from './frame.js';
import { KIND_CODES, kindOf } from './kinds.js';
import { LinkProtocolError } from './link-protocol-error.js';
import { mayExceed } from './text-bytes.js';

interface OutcomesOf<K extends Kind> {
  readonly kind: K;
  readonly outcomes: readonly OutcomeOf<K>[];
}

/** The outcomes of a call, one for each of its items, or why nothing of it was done. */
export type Answer = { readonly id: number } & (
  { readonly [K in Kind]: OutcomesOf<K> }[Kind] | { readonly refusal: Refusal }
);

/** A call of which all outcomes have come; with a refusal, none have. */
export interface Answered<C> {
  readonly id: number;
  readonly call: C;
  readonly refusal?: Refusal;
}

/**
 * Writes answers as frames of about `frameBytes`: the outcomes of one call may go over several. Whether they are all
 * there the other end knows, for it knows how many it asked for.
 *
 * @param maxFrameBytes what the other end takes; an entry that alone is larger becomes the failure `answer_too_large`
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
    if ('refusal' in answer) putRefusal(builder, answer.id, answer.refusal);
    else putOutcomes(builder, answer, frames, frameBytes, maxFrameBytes);
  }
  frames.push(builder.finish());
  return frames;
}

/**
 * Reads a frame of answers into the calls that they belong to.
 *
 * @param find the call of an id that is not answered whole
 * @returns the calls that are answered whole now
 * @throws LinkProtocolError when the frame makes no sense: then none of its outcomes is to be believed
 */
export function decodeAnswers<C extends OutcomeList>(
  cursor: FrameCursor,
  find: (id: number) => C | undefined,
): Answered<C>[] {
  const answered: Answered<C>[] = [];
  /** Those among them whose outcomes don't show it. */
  let ended: Set<number> | undefined;
  while (cursor.hasNumbers) {
    const id = cursor.varint();
    const call = find(id);
    if (call === undefined || ended?.has(id))
      throw new LinkProtocolError(`an answer to the call ${id}, which is not open`);
    const status = cursor.byte();
    if (status === REFUSED) {
      if (call.outcomes.length > 0) throw new LinkProtocolError('a call is refused that is answered in part');
      answered.push({ id, call, refusal: readRefusal(cursor) });
      (ended ??= new Set()).add(id);
      continue;
    }
    if (kindOf(status) !== call.kind)
      throw new LinkProtocolError('an answer is of another operation than its call');
    const count = cursor.varint();
    const missing = call.items.length - call.outcomes.length;
    if (count > missing) throw new LinkProtocolError('an answer has more outcomes than its call has items');
    if (missing === 0) {
      // A call of no items has one answer all the same.
      if (call.items.length > 0) throw new LinkProtocolError(`the call ${id} is answered already`);
      (ended ??= new Set()).add(id);
    }
    readOutcomes(cursor, call, count);
    if (count === missing) answered.push({ id, call });
  }
  cursor.finish();
  return answered;
}

/**
 * Whether what is next of an answer may join what the frame has. One that is large by itself may not, even where the frame
 * has little: whether it is too large was judged without that.
 */
function hasRoom(builder: FrameBuilder, answer: Answer, frameBytes: number, maxFrameBytes: number): boolean {
  const { size } = builder;
  if (size === FRAME_HEADER_BYTES) return true;
  if (size > frameBytes) return false;
  const first = 'refusal' in answer ? undefined : answer.outcomes[0];
  const units = first === undefined ? MAX_REASON_UNITS : textOf(first);
  return !mayExceed(size + ANSWER_BYTES + OUTCOME_BYTES + units, maxFrameBytes);
}

/** Outcomes from `from` on are put until the frame is long enough; the rest goes into further frames. */
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
    const to = pieceEnd(outcomes, from, frameBytes - builder.size);
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

/** As many outcomes as have so many bytes of text, at least one where there is any. */
function pieceEnd(outcomes: readonly OutcomeOf<Kind>[], from: number, bytes: number): number {
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
    builder.byte(OK);
    builder.integer(outcome.version);
  } else if ('present' in outcome) builder.byte(outcome.present ? OK | YES : OK);
  else if ('deleted' in outcome) builder.byte(outcome.deleted ? OK | YES : OK);
  else if (outcome.entry === null) builder.byte(OK);
  else if (isTooLarge(outcome.entry.value, maxFrameBytes)) putFailure(builder, TOO_LARGE);
  else putEntry(builder, outcome.entry);
}

function putEntry(builder: FrameBuilder, { value, version, ttlMs }: Entry): void {
  const binary = value.encoding === 'binary' ? VALUE_BINARY : 0;
  builder.byte(OK | YES | binary | (ttlMs === undefined ? 0 : HAS_TTL));
  builder.varint(value.data.length);
  builder.integer(version);
  if (ttlMs !== undefined) builder.integer(ttlMs);
  builder.text(value.data);
}

function putFailure(builder: FrameBuilder, { code, message, maybeApplied }: ItemFailure): void {
  builder.byte(maybeApplied ? MAYBE_APPLIED : 0);
  putReason(builder, code, message);
}

function putRefusal(builder: FrameBuilder, id: number, { code, message }: Refusal): void {
  builder.reserve(ANSWER_BYTES + OUTCOME_BYTES);
  builder.varint(id);
  builder.byte(REFUSED);
  putReason(builder, code, message);
}

function putReason(builder: FrameBuilder, code: ErrorCode, message: string): void {
  const text = message.slice(0, MAX_MESSAGE_UNITS).toWellFormed();
  builder.varint(code.length);
  builder.varint(text.length);
  builder.text(code);
  builder.text(text);
}

function isTooLarge({ data }: Value, maxFrameBytes: number): boolean {
  const room = maxFrameBytes - FRAME_HEADER_BYTES - ANSWER_BYTES - OUTCOME_BYTES;
  return mayExceed(data.length, room) && Buffer.byteLength(data) > room;
}

function readOutcomes(cursor: FrameCursor, call: OutcomeList, count: number): void {
  switch (call.kind) {
    case 'set':
      for (let i = 0; i < count; i++) {
        const flags = cursor.byte();
        call.outcomes.push(
          flags & OK ? { ok: true, version: readVersion(cursor, flags) } : readFailure(cursor, flags),
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

function readVersion(cursor: FrameCursor, flags: number): number {
  allowFlags(flags, OK);
  return checkedVersion(cursor.integer());
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
  const value = readValue(flags & VALUE_BINARY ? 'binary' : 'string', cursor.text(units), cursor.wide);
  if (ttlMs === undefined) return { value, version };
  if (!isTtl(ttlMs)) throw new LinkProtocolError('a time to live is out of its range');
  return { value, version, ttlMs };
}

function readValue(encoding: Encoding, data: string, wide: boolean): Value {
  if ((wide || encoding === 'binary') && !isValidData(encoding, data)) {
    throw new LinkProtocolError('a value is not valid in its encoding');
  }
  return brandValue({ encoding, data: canonicalData(encoding, data) });
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

function readRefusal(cursor: FrameCursor): Refusal {
  const codeUnits = cursor.varint();
  const messageUnits = cursor.varint();
  const code = cursor.text(codeUnits);
  const message = cursor.text(messageUnits).toWellFormed();
  if (!isErrorCode(code)) throw new LinkProtocolError('an error code that is not known');
  return { code, message };
}

const REFUSED = 0;

const OK = 1;
/** Present, deleted, or with an entry. */
const YES = 2;
const VALUE_BINARY = 4;
const HAS_TTL = 8;
const MAYBE_APPLIED = 16;

/** Messages are for people; an endless one is of use to nobody. */
const MAX_MESSAGE_UNITS = 1024;

/** With the code, which is much shorter. */
const MAX_REASON_UNITS = 2 * MAX_MESSAGE_UNITS;

const ANSWER_BYTES = 2 * MAX_VARINT_BYTES + 1;
const OUTCOME_BYTES = 1 + 2 * MAX_VARINT_BYTES + 2 * INTEGER_BYTES;

const TOO_LARGE: ItemFailure = {
  ok: false,
  code: 'answer_too_large',
  message: 'the pair is larger than the link to the storage node takes',
};
