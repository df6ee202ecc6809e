/** The limits of requests. Each is a setting; sizes are in bytes. */
export interface Limits {
  /** Largest key, in bytes of its data: of the UTF-8, or one per two hexadecimal digits. A key is never empty. */
  readonly maxKeyBytes: number;
  /** Largest value, in bytes of its data. A value may be empty. */
  readonly maxValueBytes: number;
  /** Items in one batch. */
  readonly maxBatchItems: number;
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** Largest answer to `POST /fetch`, in bytes of keys and values. A scan has no such limit, because it is a stream. */
  readonly maxAnswerBytes: number;
}

/** The limits of a server whose options set no others. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxKeyBytes: 4 * 1024,
  maxValueBytes: 8 * 1024 * 1024,
  maxBatchItems: 10_000,
  maxBodyBytes: 32 * 1024 * 1024,
  maxAnswerBytes: 64 * 1024 * 1024,
});
