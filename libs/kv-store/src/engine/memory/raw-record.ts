/** Where the bytes of a record are: its key and then its value. */
export interface RawRecord {
  bytes: Buffer;
  /** The same memory. */
  view: DataView;
  /** Whether only the head is there, with at least {@link MAX_KEY_IN_HEAD_BYTES} of the key. */
  isLarge: boolean;
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
    view: NO_VIEW,
    isLarge: false,
    keyStart: 0,
    valueStart: 0,
    end: 0,
    keyIsBinary: false,
    valueIsBinary: false,
    version: 0,
    expiresAtMs: undefined,
  };
}

/** A key of up to this many bytes is completely in the head of its record. */
export const MAX_KEY_IN_HEAD_BYTES = 8000;

const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
