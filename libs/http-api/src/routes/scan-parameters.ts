import {
  brandValue,
  canonicalData,
  isValidData,
  KvsError,
  PARTITION_COUNT,
  type ScanRequest,
  type Value,
} from '@kvs/protocol';
import type { PageRequest } from './page.js';
import { QueryParameters } from './query-parameters.js';

const DEFAULT_PAGE_LIMIT = 1000;

export interface ScanParameters {
  readonly scan: ScanRequest & { readonly partial: boolean };
  /** Undefined if all pairs are requested. */
  readonly page?: Pick<PageRequest, 'cursor' | 'limit'>;
}

/** @throws KvsError `invalid_parameter` */
export function readScan(url: string): ScanParameters {
  const query = new QueryParameters(url, ['prefix', 'encoding', 'limit', 'cursor', 'partial', 'meta']);
  const prefix = readPrefix(query);
  const scan = {
    meta: query.flag('meta'),
    partial: query.flag('partial'),
    ...(prefix ? { prefix } : undefined),
  };
  const cursor = query.wholeNumber('cursor', 0, PARTITION_COUNT - 1);
  const limit = query.wholeNumber('limit', 1, Number.MAX_SAFE_INTEGER);
  if (cursor === undefined && limit === undefined) return { scan };
  return { scan, page: { cursor: cursor ?? 0, limit: limit ?? DEFAULT_PAGE_LIMIT } };
}

/** An encoding without a prefix selects all keys of that encoding. */
function readPrefix(query: QueryParameters): Value | undefined {
  const prefix = query.text('prefix');
  if (prefix === undefined && query.text('encoding') === undefined) return undefined;
  const data = prefix ?? '';
  const encoding = query.encoding();
  if (isValidData(encoding, data)) return brandValue({ encoding, data: canonicalData(encoding, data) });
  throw new KvsError('invalid_parameter', `prefix is not valid ${encoding} data`);
}
