import { LinkProtocolError } from './link-protocol-error.js';

/** @throws LinkProtocolError when there are others among the flags than those that are known where they stand */
export function allowFlags(flags: number, known: number): void {
  if ((flags & ~known) !== 0) throw new LinkProtocolError('there are flags that are not known');
}
