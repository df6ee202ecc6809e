import { NEWLINE, type PairLines } from '@kvs/protocol';

/**
 * Turns lines into a JSON array without reading them: in JSON text, a newline byte can only be the end of a line, so
 * each but the last becomes a comma.
 */
export async function* asJsonArray(lines: PairLines): AsyncGenerator<Uint8Array> {
  let before: Uint8Array | undefined = OPEN;
  for await (const chunk of lines) {
    if (chunk.length === 0) continue;
    if (before) yield before;
    const bytes = Buffer.from(chunk);
    const endsLine = bytes.at(-1) === NEWLINE;
    for (let i = bytes.indexOf(NEWLINE); i !== -1; i = bytes.indexOf(NEWLINE, i + 1)) bytes[i] = COMMA_BYTE;
    yield endsLine ? bytes.subarray(0, -1) : bytes;
    before = endsLine ? COMMA : undefined;
  }
  yield before === OPEN ? EMPTY : CLOSE;
}

/** Turns items, each with a comma before it, into a JSON array by leaving out the first comma. */
export async function* itemsAsArray(items: PairLines): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  for await (const chunk of items) {
    if (chunk.length === 0) continue;
    if (isEmpty) yield OPEN;
    const rest = isEmpty ? chunk.subarray(1) : chunk;
    isEmpty = false;
    if (rest.length > 0) yield rest;
  }
  yield isEmpty ? EMPTY : CLOSE;
}

const COMMA_BYTE = 0x2c;
const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');
const EMPTY = Buffer.from('[]');
