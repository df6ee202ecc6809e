import { isRecord } from '@kvs/protocol';
import type { NodeStats } from '@kvs/router/transport';

/** Reads the statistics of a node from JSON. Returns undefined if the text is anything else. */
export function readStats(text: string): NodeStats | undefined {
  const stats = parse(text);
  if (!isRecord(stats)) return undefined;
  const { engine, keys } = stats;
  const isCount = typeof keys === 'number' && Number.isSafeInteger(keys) && keys >= 0;
  return typeof engine === 'string' && isCount ? { engine, keys } : undefined;
}

/** The most bytes of statistics that are read. An engine's name and a number are much shorter. */
export const MAX_STATS_BYTES = 4096;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
