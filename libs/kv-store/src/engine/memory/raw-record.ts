/** A record where its bytes lie: its key and then its value. */
export interface RawRecord {
  bytes: Buffer;
  /** The same memory. */
  words: Uint32Array;
  /** Whether only the beginning lies there: of the key, {@link MAX_WHOLE_KEY_BYTES} at least. */
  isSpread: boolean;
  keyStart: number;
  valueStart: number;
  end: number;
  keyIsBinary: boolean;
  valueIsBinary: boolean;
  version: number;
  expiresAtMs: number | undefined;
}

export function emptyRecord(): RawRecord {
  return {
    bytes: NO_BYTES,
    words: NO_WORDS,
    isSpread: false,
    keyStart: 0,
    valueStart: 0,
    end: 0,
    keyIsBinary: false,
    valueIsBinary: false,
    version: 0,
    expiresAtMs: undefined,
  };
}

/** A key of up to so many bytes lies in one slot, also where its record is spread over several. */
export const MAX_WHOLE_KEY_BYTES = 8000;

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Uint32Array(0);
