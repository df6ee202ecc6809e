import type { PairLines } from '@kvs/protocol';

/**
 * The items of a node's JSON array, each with a comma before it, so that the items of several nodes can be joined: a
 * comma for the first bracket, and nothing for the last. What lies between is neither looked at nor copied.
 *
 * @param array the text of an array without white space around its brackets
 * @throws SyntaxError when it is not whole
 */
export async function* arrayItems(array: PairLines): AsyncGenerator<Uint8Array> {
  let isOpen = false;
  let isEmpty = true;
  /** The last byte is kept back where it may be the end of the array. */
  let holdsBracket = false;
  for await (const chunk of array) {
    if (chunk.length === 0) continue;
    if (!isOpen && chunk[0] !== OPEN) throw new SyntaxError('it is not an array');
    const text = isOpen ? chunk : chunk.subarray(1);
    isOpen = true;
    if (text.length === 0) continue;
    if (holdsBracket) yield BRACKET;
    holdsBracket = text.at(-1) === CLOSE;
    const inside = holdsBracket ? text.subarray(0, -1) : text;
    if (inside.length === 0) continue;
    if (isEmpty) yield COMMA;
    isEmpty = false;
    yield inside;
  }
  if (!holdsBracket) throw new SyntaxError('it ended in the middle of an array');
}

const OPEN = 0x5b;
const CLOSE = 0x5d;
const BRACKET = Buffer.of(CLOSE);
const COMMA = Buffer.from(',');
