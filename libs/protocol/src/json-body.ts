import { KvsError } from './errors.js';
import type { Limits } from './limits.js';

/**
 * Reads a request body as JSON. It also accepts a body without a content type, or with curl's default form type, so
 * that `curl -d` needs no header.
 *
 * @throws KvsError `invalid_json`; `unsupported_media_type` if neither the type nor the body is JSON;
 * `too_many_items` and `invalid_shape` for a body that no valid batch can look like, before it is parsed
 *
 * @param decode decodes UTF-8 and throws if it is invalid; a platform may have a faster one than the default
 */
export function parseJsonBody(
  bytes: Uint8Array,
  contentType: string | undefined,
  limits: Limits,
  decode: (bytes: Uint8Array) => string = decodeUtf8,
): unknown {
  if (bytes.length > PRESCAN_FROM_BYTES) refuseHostileStructure(bytes, limits);
  try {
    const value: unknown = JSON.parse(decode(bytes));
    return value;
  } catch (error) {
    const reason =
      bytes.length === 0
        ? 'it is empty'
        : error instanceof SyntaxError
          ? error.message
          : 'it is not valid UTF-8';
    if (contentType === undefined || isJsonType(contentType)) {
      throw new KvsError('invalid_json', `the body is not JSON: ${reason}`, { cause: error });
    }
    const detail = `neither the content type, ${contentType}, nor the body is JSON: ${reason}`;
    throw new KvsError('unsupported_media_type', detail, { cause: error });
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** @throws TypeError */
export function decodeUtf8(bytes: Uint8Array): string {
  return UTF8.decode(bytes);
}

/** Below this size, parsing even the worst body takes little time. */
const PRESCAN_FROM_BYTES = 256 * 1024;
const MAX_DEPTH = 16;
const CONTAINERS_PER_ITEM = 3; // a set item, its key, its value
/**
 * A full set item has 6. The limit is higher, so that the answer can still name a few unknown properties in each
 * item.
 */
const COMMAS_PER_ITEM = 10;

function isJsonType(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === 'application/json' || type.endsWith('+json');
}

/**
 * Refuses bodies that would block the process. `JSON.parse` takes seconds and a gigabyte for 32 MiB of `[[[[`,
 * `{},{},` or `"a":1,"b":1,`. Counting brackets and commas outside of strings finds such bodies in milliseconds. A
 * body that passes need not be valid.
 */
function refuseHostileStructure(bytes: Uint8Array, limits: Limits): void {
  const maxContainers = 1 + CONTAINERS_PER_ITEM * limits.maxBatchItems;
  const maxCommas = COMMAS_PER_ITEM * limits.maxBatchItems;
  let depth = 0;
  let containers = 0;
  let commas = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      i = endOfString(bytes, i);
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH)
        throw new KvsError('invalid_shape', `the body is nested deeper than ${MAX_DEPTH} levels`);
      if (++containers > maxContainers) throw tooManyParts(limits);
    } else if (byte === COMMA) {
      if (++commas > maxCommas) throw tooManyParts(limits);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--;
    }
  }
}

function tooManyParts({ maxBatchItems }: Limits): KvsError {
  return new KvsError('too_many_items', `the body has more parts than a batch of ${maxBatchItems} items`);
}

/** Returns the index of the quote that ends the string begun at `start`, or of the last byte if no quote does. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let end = bytes.indexOf(QUOTE, start + 1); end !== -1; end = bytes.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (bytes[end - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return bytes.length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
