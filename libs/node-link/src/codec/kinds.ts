import type { Kind } from '../batch.js';
import { LinkProtocolError } from './link-protocol-error.js';

/** The kinds of operation as they are numbered on the link. */
export const KIND_CODES: Readonly<Record<Kind, number>> = { set: 1, fetch: 2, query: 3, delete: 4 };

const KINDS: readonly (Kind | undefined)[] = [undefined, 'set', 'fetch', 'query', 'delete'];

/** @throws LinkProtocolError */
export function kindOf(code: number): Kind {
  const kind = KINDS[code];
  if (kind === undefined) throw new LinkProtocolError(`there is no operation ${code}`);
  return kind;
}
