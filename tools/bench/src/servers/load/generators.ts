import type { LoadGenerator } from './load.js';
import { LoadProcess } from './load-process.js';
import { hasWrk, runWrk } from './wrk.js';

/** wrk with one thread. It takes less CPU time from the servers than any generator in JavaScript. It needs whole seconds. */
export const wrk: LoadGenerator = { name: 'wrk with 1 thread', run: runWrk };

/** For machines without wrk, and for turns shorter than a second. */
export const nodeClient: LoadGenerator = {
  name: 'a node:http client',
  run: async ({ seconds, ...load }) => {
    const running = await LoadProcess.start(load);
    try {
      return await running.measure(seconds);
    } finally {
      await running.stop();
    }
  },
};

export function loadGenerator(): LoadGenerator {
  return hasWrk() ? wrk : nodeClient;
}
