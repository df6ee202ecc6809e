import { answerTooLarge, leastBytes } from '@kvs/protocol';
import type { EngineReadOutcome, EngineKey } from './engine-data.js';

/**
 * Implements `getMany` for engines that read keys one by one without waiting. Stops at the value that exceeds
 * `maxBytes`.
 *
 * @throws KvsError `answer_too_large`
 */
export function readEach(
  keys: readonly EngineKey[],
  maxBytes: number,
  read: (key: EngineKey) => EngineReadOutcome,
): EngineReadOutcome[] {
  let bytes = 0;
  return keys.map((key) => {
    const outcome = read(key);
    if (outcome.status === 'found') bytes += leastBytes(outcome.value);
    if (bytes > maxBytes) throw answerTooLarge(maxBytes);
    return outcome;
  });
}
