import { autocannonGenerator } from './autocannon.js';
import type { LoadGenerator } from './load.js';
import { hasWrk, wrk } from './wrk.js';

/** The best that is there. */
export function loadGenerator(): LoadGenerator {
  return hasWrk() ? wrk : autocannonGenerator;
}
