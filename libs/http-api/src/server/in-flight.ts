import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KvsError } from '@kvs/protocol';
import type { Admission } from '@kvs/server';
import { patternOf, type AllowedMethods } from './allowed-methods.js';
import { bodyLength } from './body.js';
import { RequestMemory } from './request-memory.js';

/** Admits an HTTP request, or returns the refusal. O(1). */
export function admit(admission: Admission, request: IncomingMessage): KvsError | undefined {
  const length = bodyLength(request);
  // A body would hold memory that the budget has not.
  if (length !== 0 || !ALWAYS_ANSWERED.has(request.url ?? '')) return admission.enter(length ?? 0, 0);
  admission.enterAlways();
  return undefined;
}

/**
 * Returns whether a request is for the control plane, which must work while clients fill the server.
 *
 * @param paths the server's paths. Others are not of the control plane, whatever their name
 */
export function isOfControlPlane({ url = '' }: IncomingMessage, paths: AllowedMethods): boolean {
  return url.startsWith('/cluster') && patternOf(paths, url) !== undefined;
}

/** Counts an admitted request until its response closes. */
export function countUntilClosed(admission: Admission, response: ServerResponse): RequestMemory {
  const memory = new RequestMemory(admission);
  if (admission.isDraining) response.setHeader('connection', 'close');
  // Each event comes once; `on` costs less than `once`.
  response.on('prefinish', () => memory.countUnread(response.writableLength));
  response.on('close', () => memory.release());
  return memory;
}

/** Paths that tell of the server's state. A full server answers them, because then they matter most. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['/health/live', '/metrics']);
