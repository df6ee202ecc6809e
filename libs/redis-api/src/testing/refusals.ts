import { KvsError, type FetchOutcome, type Key } from '@kvs/protocol';

/** How operations refuse to fetch values that are too large together. */
export const REFUSALS: readonly (readonly [string, (keys: readonly Key[]) => readonly FetchOutcome[]])[] = [
  [
    'as a whole',
    () => {
      throw new KvsError('answer_too_large', 'too large');
    },
  ],
  [
    'one node of several refuses its part',
    (keys) =>
      keys.map((_, i) =>
        i > 0 ? { ok: false, code: 'answer_too_large', message: 'too large' } : { ok: true, entry: null },
      ),
  ],
];
