import type { InFlight } from '../server/in-flight.js';
import { gauge } from './metric-family.js';
import type { MetricsSource } from './metrics-source.js';

export function inFlightMetrics(inFlight: InFlight): MetricsSource {
  return {
    collect: () => {
      const { requests, bytes } = inFlight.load;
      return [
        gauge('kvs_http_requests_in_flight', 'Requests under way', [{ labels: {}, value: requests }]),
        gauge('kvs_http_request_bytes_in_flight', 'Bytes of request bodies under way', [
          { labels: {}, value: bytes },
        ]),
      ];
    },
  };
}
