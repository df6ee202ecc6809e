import type { ItemFailure } from '@kvs/protocol';
import { TransportError, type TransportFailure } from '@kvs/router/transport';

/** Consecutive items of a batch that go in one call. */
export interface BatchPart<T> {
  readonly items: readonly T[];
  readonly partitions: readonly number[];
  readonly weight: number;
}

/** Splits items into parts of at most `maxBytes` and `maxItems`, and of at least one item. */
export function splitBatch<T>(
  items: readonly T[],
  partitions: readonly number[],
  weightOfItem: (item: T) => number,
  maxBytes: number,
  maxItems = Infinity,
): BatchPart<T>[] {
  const parts: BatchPart<T>[] = [];
  let from = 0;
  let weight = 0;
  const part = (to: number): BatchPart<T> =>
    from === 0 && to === items.length
      ? { items, partitions, weight }
      : { items: items.slice(from, to), partitions: partitions.slice(from, to), weight };
  items.forEach((item, i) => {
    const more = weightOfItem(item);
    if ((weight + more > maxBytes && i > from) || i - from === maxItems) {
      parts.push(part(i));
      from = i;
      weight = 0;
    }
    weight += more;
  });
  parts.push(part(items.length));
  return parts;
}

/**
 * Sends the parts of a batch, at most `maxAtOnce` at a time. A part that fails does not undo the others, so its items fail one
 * by one, with `failureOf`. The batch fails only if every part fails, and then with the error that leaves most open. Parts are not
 * sent any more once all parts that were sent together have timed out.
 *
 * @throws TransportError if every part fails with one; and at once any other error of a part
 */
export async function sendParts<T, O>(
  parts: readonly BatchPart<T>[],
  send: (part: BatchPart<T>) => Promise<readonly O[]>,
  failureOf: (error: TransportError) => ItemFailure,
  maxAtOnce = Infinity,
): Promise<readonly (O | ItemFailure)[]> {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return send(only);
  const errors: TransportError[] = [];
  /** Set once the node hangs. Each further group would wait for it as long. */
  let hang: TransportError | undefined;
  const sendOne = async (part: BatchPart<T>): Promise<readonly (O | ItemFailure)[]> => {
    try {
      if (hang !== undefined) throw hang;
      return await send(part);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error; // no failure of the network
      errors.push(error);
      return new Array<ItemFailure>(part.items.length).fill(failureOf(error));
    }
  };
  const outcomes: (O | ItemFailure)[] = [];
  for (let sent = 0; sent < parts.length; sent += maxAtOnce) {
    const group = parts.slice(sent, sent + maxAtOnce);
    const failedBefore = errors.length;
    const answers = await Promise.all(group.map(sendOne));
    for (const answer of answers) outcomes.push(...answer);
    const timeouts = errors.slice(failedBefore).filter(({ failure }) => failure === 'timeout');
    if (timeouts.length === group.length) [hang] = timeouts;
  }
  const [first, ...others] = errors;
  if (first === undefined || errors.length < parts.length) return outcomes;
  throw others.reduce((worst, error) => (isWorse(error, worst) ? error : worst), first);
}

function isWorse(error: TransportError, than: TransportError): boolean {
  return LEFT_OPEN.indexOf(error.failure) > LEFT_OPEN.indexOf(than.failure);
}

/** How much a failure leaves open, the least first: after a timeout, not even a read is worth a second attempt. */
const LEFT_OPEN: readonly TransportFailure[] = ['unconnected', 'refused', 'broken', 'timeout'];
