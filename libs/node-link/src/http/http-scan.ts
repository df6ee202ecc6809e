import {
  encodePartitions,
  PARTITIONS_HEADER,
  PROXY_VIA,
  type PairFormat,
  type ScanRequest,
} from '@kvs/protocol';
import { TransportError, type NodeScan } from '@kvs/router';
import type { Dispatcher, Pool } from 'undici';
import { LOOP_STATUS, loopError } from '../loop.js';
import type { Timers } from '../ports.js';
import { HttpAttempt } from './http-attempt.js';
import { Loan } from './loan.js';
import { readLines } from './node-lines.js';
import type { ReadBuffers } from './read-buffers.js';

/** What a node is asked for, so that nothing need be done to its pairs on their way to the client. */
const MEDIA_TYPES: Readonly<Record<PairFormat, string>> = {
  lines: 'application/x-ndjson',
  items: 'application/json',
};

export interface ScanMeans {
  /** How long the node may take to begin, and then to send the next part, in milliseconds. */
  readonly timeoutMs: number;
  readonly timers: Timers;
  /** Those that the connections of the pool read into. */
  readonly readBuffers: ReadBuffers;
  readonly foundProxy: () => void;
}

/**
 * Opens a scan of a node.
 *
 * @throws TransportError when it does not begin to answer in time, or refuses
 */
export async function openScan(
  pool: Pool,
  { prefix, partitions, meta, format = 'lines' }: ScanRequest,
  { timeoutMs, timers, readBuffers, foundProxy }: ScanMeans,
): Promise<NodeScan> {
  const query = new URLSearchParams({ meta: String(meta) });
  if (prefix) {
    query.set('prefix', prefix.data);
    query.set('encoding', prefix.encoding);
  }
  const loan = new Loan(readBuffers);
  const attempt = new HttpAttempt(pool, (piece) => loan.lend(piece));
  const cancelTimeout = timers.after(timeoutMs, () => attempt.giveUp());
  let response: Dispatcher.ResponseData;
  try {
    response = await attempt.request({
      method: 'GET',
      path: `/fetch?${query}`,
      headers: {
        accept: MEDIA_TYPES[format],
        via: PROXY_VIA,
        ...(partitions ? { [PARTITIONS_HEADER]: encodePartitions(partitions) } : undefined),
      },
    });
  } catch (error) {
    loan.end();
    throw attempt.failure(error, timeoutMs);
  } finally {
    cancelTimeout();
  }
  const { body, headers, statusCode } = response;
  // It may break before anybody reads; whoever reads then hears of it.
  body.on('error', () => undefined);
  if (statusCode !== 200 || !String(headers['content-type']).startsWith(MEDIA_TYPES[format])) {
    body.destroy();
    loan.end();
    if (statusCode === LOOP_STATUS) {
      foundProxy();
      throw loopError();
    }
    throw new TransportError('refused', `answered ${statusCode} to a scan`);
  }
  return {
    lines: readLines(body, timeoutMs, timers, format, loan),
    format,
    close: () => void body.destroy(),
  };
}
