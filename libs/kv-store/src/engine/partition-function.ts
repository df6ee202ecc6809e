import { PARTITION_FUNCTION } from '@kvs/protocol';

/**
 * Returns why an engine must refuse stored pairs: another partition function placed them, so this version would not
 * find them. Returns undefined if it was {@link PARTITION_FUNCTION}.
 *
 * @param found the name stored with the pairs; undefined if there is none, as in versions before `crc16/1`
 */
export function partitionFunctionProblem(found: string | undefined): string | undefined {
  if (found === PARTITION_FUNCTION) return undefined;
  const named =
    found === undefined
      ? 'no partition function'
      : `the partition function ${JSON.stringify(found.slice(0, 100))}`;
  return `names ${named}, but this version needs "${PARTITION_FUNCTION}"; nothing was changed`;
}
