import { setTimeout as delay } from 'node:timers/promises';
import type { Budget } from '../admission/budget.js';
import type { Logger } from '../logs/logger.js';
import type { Listener } from './listener.js';

/** Closes all ports, waits until nothing is in flight, and closes all connections. */
export async function drain(
  listeners: readonly Listener[],
  budget: Pick<Budget, 'drain' | 'quiet'>,
  timeoutMs: number,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const closeAll = (): void => listeners.forEach((listener) => listener.close());
  const late = new AbortController();
  const drained = Promise.all([budget.drain(), ...listeners.map((listener) => listener.drain())]);
  const isLate = await Promise.race([
    drained.then(() => false),
    delay(timeoutMs, true, { signal: late.signal }),
  ]);
  late.abort();
  if (isLate) {
    logger.warn(`requests that are still in flight after ${timeoutMs} ms are cut`);
    closeAll();
  }
  await budget.quiet(QUIET_MS);
  closeAll();
}

/** How long a request that a client has sent may take to reach the server. */
const QUIET_MS = 100;
