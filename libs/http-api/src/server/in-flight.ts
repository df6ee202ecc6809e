import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KvsError } from '@kvs/protocol';
import type { Admission } from '@kvs/server';
import { patternOf, type AllowedMethods } from './allowed-methods.js';
import { bodyLength, type RequestMemory } from './body.js';

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
  const memory: RequestMemory = { admission, bodyBytes: 0, pageBytes: 0, unreadBytes: 0 };
  if (admission.isDraining) response.setHeader('connection', 'close');
  // Each event comes once; `on` costs less than `once`.
  response.on('prefinish', () => countUnread(memory, response.writableLength));
  response.on('close', () => {
    countUnread(memory, 0);
    admission.leave(memory.bodyBytes + memory.pageBytes);
  });
  return memory;
}

/** Counts `bytes` of the answer as those that the client has not read. */
export function countUnread(memory: RequestMemory, bytes: number): void {
  if (bytes === memory.unreadBytes) return;
  memory.admission.addUnread(bytes - memory.unreadBytes);
  memory.unreadBytes = bytes;
}

/**
 * Counts `bytes` as those of the page.
 *
 * @throws KvsError `overloaded` if the budget has no room for them
 */
export function holdPage(memory: RequestMemory, bytes: number): void {
  const { admission, bodyBytes, pageBytes } = memory;
  const refusal = admission.hold(bytes - pageBytes, bodyBytes + pageBytes);
  if (refusal) throw refusal;
  memory.pageBytes = bytes;
}

/**
 * Checks that there is room for an answer. Many requests may be admitted before the first of their answers is counted.
 *
 * @throws KvsError `overloaded`
 */
export function refuseAnswerIfFull({ admission, bodyBytes }: RequestMemory): void {
  const refusal = admission.refusalOfAnswer(bodyBytes);
  if (refusal) throw refusal;
}

/** Paths that tell of the server's state. A full server answers them, because then they matter most. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['/health/live', '/metrics']);
