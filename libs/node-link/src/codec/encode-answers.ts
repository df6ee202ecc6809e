import { Buffer } from 'node:buffer';
import type { Entry, ItemFailure, Value } from '@kvs/protocol';
import type { Kind, OutcomeOf } from '../batch.js';
import { HAS_TTL, MAYBE_APPLIED, OK, REFUSED, VALUE_BINARY, YES, type Answer } from './answers.js';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder, mayExceed } from './frame-builder.js';
import { FRAME, FRAME_HEADER_BYTES, KIND_CODES } from './frame.js';
import { MAX_MESSAGE_UNITS, putRefusal, REFUSAL_BYTES, type Refusal } from './refusal.js';

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

function putEntry(builder: FrameBuilder, { value, version, ttlMs }: Entry): void {
  const binary = value.encoding === 'binary' ? VALUE_BINARY : 0;
  builder.byte(OK | YES | binary | (ttlMs === undefined ? 0 : HAS_TTL));
  builder.varint(value.data.length);
  builder.integer(version);
  if (ttlMs !== undefined) builder.integer(ttlMs);
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

/** Includes the code, which is much shorter than the message. */
const MAX_REFUSAL_UNITS = 2 * MAX_MESSAGE_UNITS;

const ANSWER_BYTES = 2 * MAX_VARINT_BYTES + 1;
const OUTCOME_BYTES = 1 + 2 * MAX_VARINT_BYTES + 2 * INTEGER_BYTES;

const TOO_LARGE: ItemFailure = {
  ok: false,
  code: 'answer_too_large',
  message: 'the pair is larger than the link to the storage node takes',
};
