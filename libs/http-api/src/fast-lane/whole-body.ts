import type { IncomingMessage } from 'node:http';

/**
 * The length of a body that can be taken as it is: told beforehand, not empty, not compressed, within the limit.
 * Undefined for all others; what is to be said of them is Express's business.
 */
export function plainBodyLength({ headers }: IncomingMessage, maxBytes: number): number | undefined {
  const length = Number(headers['content-length']);
  const isPlain = headers['content-encoding'] === undefined && headers['transfer-encoding'] === undefined;
  return isPlain && length >= 1 && length <= maxBytes ? length : undefined;
}

/** Hands over a body when all of it is there; never, when the client goes away before. */
export function readWholeBody(
  request: IncomingMessage,
  length: number,
  whole: (bytes: Uint8Array) => void,
): void {
  let parts: Buffer[] | undefined;
  let missing = length;
  request.on('data', (part: Buffer) => {
    missing -= part.length;
    // Mostly a body comes in one piece, and nothing need be joined.
    if (missing > 0) (parts ??= []).push(part);
    else whole(parts === undefined ? part : Buffer.concat([...parts, part], length));
  });
}
