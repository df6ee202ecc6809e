import autocannon from 'autocannon';
import { quantile } from '../../harness/statistics.js';
import type { LoadGenerator } from './load.js';

/** Where there is no wrk. It runs in this process and takes several times the CPU time of wrk from the servers. */
export const autocannonGenerator: LoadGenerator = {
  name: 'autocannon, for wrk is not on the PATH',
  run: async ({ origin, requests, connections, seconds }) => {
    const waits: number[] = [];
    const instance = autocannon({
      url: origin,
      connections,
      duration: seconds,
      timeout: 30,
      requests: requests.map(({ method, path, body }) => {
        return { method, path, body, headers: body === undefined ? {} : JSON_HEADERS };
      }),
    });
    // Its own histogram counts in whole milliseconds.
    instance.on('response', (_client, _status, _bytes, waitMs) => waits.push(waitMs));
    const { errors, non2xx, duration } = await instance;
    return {
      requests: waits.length,
      failures: errors + non2xx,
      seconds: duration,
      p50Ms: quantile(waits, 0.5),
      p99Ms: quantile(waits, 0.99),
      p999Ms: quantile(waits, 0.999),
    };
  },
};

const JSON_HEADERS = { 'content-type': 'application/json' };
