/**
 * The answer of a command, before it is written as RESP2 or RESP3:
 *
 * - a number or bigint is an integer
 * - a text or bytes are a bulk string; a text is written as UTF-8
 * - null is the null bulk string of RESP2, and null in RESP3
 * - an array is an array
 * - the other types are described with their classes
 */
export type Reply =
  | number
  | bigint
  | string
  | Uint8Array
  | null
  | readonly Reply[]
  | SimpleString
  | RedisError
  | MapReply
  | SetReply
  | NullArray
  | Verbatim
  | Encoded;

/** A short text without line breaks, such as the reply to SET. */
export class SimpleString {
  readonly type = 'simple';

  constructor(readonly text: string) {}
}

export const OK = new SimpleString('OK');

/** Names with values: a map in RESP3, in RESP2 an array in which each name is followed by its value. */
export class MapReply {
  readonly type = 'map';

  constructor(readonly entries: readonly (readonly [Reply, Reply])[]) {}
}

/** Things without an order: a set in RESP3, an array in RESP2. */
export class SetReply {
  readonly type = 'set';

  constructor(readonly items: readonly Reply[]) {}
}

/** The null array of RESP2, such as the reply to an EXEC that did nothing; null in RESP3. */
export class NullArray {
  readonly type = 'null-array';
}

export const NULL_ARRAY = new NullArray();

/** A text for people, such as the reply to INFO: a verbatim string in RESP3, a bulk string in RESP2. */
export class Verbatim {
  readonly type = 'verbatim';

  constructor(readonly text: string) {}
}

/** A reply in its bytes on the wire, as RESP2 and RESP3. Many clients ask for it, and all of them share the bytes. */
export class Encoded {
  readonly type = 'encoded';

  constructor(readonly bytes: { readonly 2: Uint8Array; readonly 3: Uint8Array }) {}
}

/** Returns about how many bytes a reply takes, in memory and on the wire. O(number of its parts). */
export function sizeOf(reply: Reply): number {
  return PART_BYTES + contentBytes(reply);
}

function contentBytes(reply: Reply): number {
  if (typeof reply === 'string') return Buffer.byteLength(reply);
  if (reply === null || typeof reply !== 'object') return 0;
  if (reply instanceof Uint8Array) return reply.length;
  if (isArray(reply)) return sizeOfAll(reply);
  if (reply instanceof RedisError) return ERROR_BYTES + reply.message.length;
  switch (reply.type) {
    case 'map':
      return reply.entries.reduce((sum, entry) => sum + sizeOfAll(entry), 0);
    case 'set':
      return sizeOfAll(reply.items);
    case 'simple':
    case 'verbatim':
      return Buffer.byteLength(reply.text);
    case 'encoded':
      return reply.bytes[2].length;
    case 'null-array':
      return 0;
  }
}

function sizeOfAll(replies: readonly Reply[]): number {
  return replies.reduce<number>((sum, reply) => sum + sizeOf(reply), 0);
}

/** `Array.isArray` does not narrow a union with a readonly array. */
export function isArray(reply: Reply): reply is readonly Reply[] {
  return Array.isArray(reply);
}

/** A failed command. A command returns it or throws it. */
export class RedisError extends Error {
  override readonly name = 'RedisError';

  /**
   * @param prefix the first word of the reply, which clients branch on, such as `ERR` or `WRONGTYPE`
   * @param message the rest of the reply. Clients also match on the texts of Redis, so use these where Redis has one.
   */
  constructor(
    readonly prefix: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** About what a reply, or an item of one, takes in memory besides its bytes. */
export const PART_BYTES = 64;
/** An error has the stack of where it was made. */
const ERROR_BYTES = 700;
