import type { InFlight } from '../server/in-flight.js';
import { gauge, type MetricsSource } from '@kvs/server';

export function inFlightMetrics(inFlight: InFlight): MetricsSource {
  return {
    collect: () => {
      const { requests, bytes, unreadBytes } = inFlight.load;
      return [
        gauge('kvs_http_requests_in_flight', 'Requests in flight', [{ labels: {}, value: requests }]),
        gauge('kvs_http_request_bytes_in_flight', 'Bytes of request bodies in flight', [
          { labels: {}, value: bytes },
        ]),
        gauge('kvs_http_unread_answer_bytes', 'Bytes of whole answers that clients have not read', [
          { labels: {}, value: unreadBytes },
        ]),
      ];
    },
  };
}
