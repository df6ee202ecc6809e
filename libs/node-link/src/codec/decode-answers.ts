import { isTtl, isVersionCondition, type Entry, type ItemFailure } from '@kvs/protocol';
import type { OutcomeList } from '../batch.js';
import { HAS_TTL, MAYBE_APPLIED, OK, REFUSED, VALUE_BINARY, YES } from './answers.js';
import type { FrameCursor } from './frame-reader.js';
import { allowFlags, kindOf, LinkProtocolError } from './frame.js';
import { readValue } from './item-checks.js';
import { readRefusal, type Refusal } from './refusal.js';

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
  const value = readValue(cursor, flags & VALUE_BINARY ? 'binary' : 'string', units);
  if (ttlMs === undefined) return { value, version };
  if (!isTtl(ttlMs)) throw new LinkProtocolError('a time to live is out of its range');
  return { value, version, ttlMs };
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
