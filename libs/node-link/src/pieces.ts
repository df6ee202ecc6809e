import type { ItemFailure } from '@kvs/protocol';
import { TransportError, type TransportFailure } from '@kvs/router';

/** Cuts items into pieces of at most so many bytes, and of at least one item. */
export function cutIntoPieces<T>(
  items: readonly T[],
  weightOfItem: (item: T) => number,
  maxBytes: number,
): (readonly T[])[] {
  const pieces: (readonly T[])[] = [];
  let from = 0;
  let weight = 0;
  items.forEach((item, i) => {
    const more = weightOfItem(item);
    if (weight + more > maxBytes && i > from) {
      pieces.push(items.slice(from, i));
      from = i;
      weight = 0;
    }
    weight += more;
  });
  pieces.push(from === 0 ? items : items.slice(from));
  return pieces;
}

/**
 * Sends the pieces of a batch, so many at a time. Each has its own end: what was done of one is not undone because another found no way, so
 * that what failed is told item by item, by `failureOf`. Only when nothing came back at all, the whole batch fails, and
 * then for the reason that leaves most open.
 *
 * @throws TransportError when every piece fails with one; and at once what else a piece fails with
 */
export async function sendPieces<T, O>(
  pieces: readonly (readonly T[])[],
  send: (piece: readonly T[]) => Promise<readonly O[]>,
  failureOf: (error: TransportError) => ItemFailure,
  maxAtOnce = Infinity,
): Promise<(O | ItemFailure)[]> {
  const errors: TransportError[] = [];
  const sendOne = async (piece: readonly T[]): Promise<readonly (O | ItemFailure)[]> => {
    try {
      return await send(piece);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error; // no failure of the network
      errors.push(error);
      return new Array<ItemFailure>(piece.length).fill(failureOf(error));
    }
  };
  const outcomes: (O | ItemFailure)[] = [];
  for (let sent = 0; sent < pieces.length; sent += maxAtOnce) {
    const parts = await Promise.all(pieces.slice(sent, sent + maxAtOnce).map(sendOne));
    for (const part of parts) outcomes.push(...part);
  }
  const [first, ...others] = errors;
  if (first === undefined || errors.length < pieces.length) return outcomes;
  throw others.reduce((worst, error) => (isWorse(error, worst) ? error : worst), first);
}

function isWorse(error: TransportError, than: TransportError): boolean {
  return LEFT_OPEN.indexOf(error.failure) > LEFT_OPEN.indexOf(than.failure);
}

/** How much a failure leaves open, the least first: after a timeout, not even a read is worth a second attempt. */
const LEFT_OPEN: readonly TransportFailure[] = ['unconnected', 'refused', 'broken', 'timeout'];
