import { DEFAULT_LIMITS, type Limits } from '@kvs/protocol';
import { choice, milliseconds, wholeNumber, type Values } from './options.js';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `auto` is text on a terminal; elsewhere, JSON with one object per line. */
const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

const LIMITS = 'Limits of one request';
const ADMISSION = 'All requests together';
const OPERATION = 'Logs and shutdown';
const { maxKeyBytes, maxValueBytes, maxBatchItems, maxBodyBytes, maxAnswerBytes } = DEFAULT_LIMITS;

/** The options of every server. */
export const SERVER_OPTIONS = {
  maxKeyBytes: wholeNumber({ group: LIMITS, description: 'largest key', unit: 'bytes' }, maxKeyBytes),
  maxValueBytes: wholeNumber({ group: LIMITS, description: 'largest value', unit: 'bytes' }, maxValueBytes),
  maxBatchItems: wholeNumber({ group: LIMITS, description: 'largest batch', unit: 'items' }, maxBatchItems),
  maxBodyBytes: wholeNumber(
    { group: LIMITS, description: 'largest request body', unit: 'bytes' },
    maxBodyBytes,
  ),
  maxAnswerBytes: wholeNumber(
    { group: LIMITS, description: 'largest answer to POST /fetch, MGET, KEYS or EXEC', unit: 'bytes' },
    maxAnswerBytes,
  ),
  /** Limit of requests in flight, over all protocols, and once more for the control plane. Beyond it, requests are refused as `overloaded`. */
  maxInFlightRequests: wholeNumber({ group: ADMISSION, description: 'limit of requests in flight' }, 4096),
  /** Limit of the bytes that these requests hold. Beyond it, requests are refused as `overloaded`. */
  maxInFlightBytes: wholeNumber(
    { group: ADMISSION, description: 'limit of memory for bodies, calls and unread answers', unit: 'bytes' },
    256 * 1024 * 1024,
  ),
  /** In milliseconds. */
  shutdownTimeoutMs: milliseconds(OPERATION, 'how long a shutdown waits for requests in flight', 10_000),
  logLevel: choice(
    { group: OPERATION, description: 'lowest level that is logged', value: 'level' },
    LOG_LEVELS,
    'info',
  ),
  logFormat: choice(
    { group: OPERATION, description: 'auto: text on a terminal, otherwise JSON', value: 'format' },
    LOG_FORMATS,
    'auto',
  ),
};

/** The settings of a server, whatever protocols it speaks. */
export interface ServerSettings extends Omit<Values<typeof SERVER_OPTIONS>, keyof Limits> {
  readonly limits: Limits;
}

/** Returns the settings that the options make: the limits of a request are put together. */
export function serverSettings<O extends Values<typeof SERVER_OPTIONS>>(options: O) {
  const { maxKeyBytes, maxValueBytes, maxBatchItems, maxBodyBytes, maxAnswerBytes, ...settings } = options;
  const limits: Limits = { maxKeyBytes, maxValueBytes, maxBatchItems, maxBodyBytes, maxAnswerBytes };
  return { ...settings, limits };
}
