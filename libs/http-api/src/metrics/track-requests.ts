import type { IncomingMessage, ServerResponse } from 'node:http';
import { patternOf, type AllowedMethods } from '../server/allowed-methods.js';
import { CLIENT_GONE_STATUS, type RequestMetrics } from './request-metrics.js';

/** Counts a request when it ends, in whatever way. */
export type RequestTracker = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * @param paths the server's paths; requests for other paths count for the route `unknown`
 * @param now a monotonic clock in milliseconds
 */
export function requestTracker(
  metrics: RequestMetrics,
  paths: AllowedMethods,
  now: () => number = () => performance.now(),
): RequestTracker {
  return (request, response) => {
    const arrived = now();
    // Now, because Express changes `request.url`.
    const route = routeTemplate(paths, request.url ?? '/');
    response.on('close', () => {
      const status = response.headersSent ? response.statusCode : CLIENT_GONE_STATUS;
      metrics.observe(request.method ?? '', route, status, (now() - arrived) / 1000);
    });
  };
}

/** Returns the route of a request in metrics: one of as many as the table has paths. */
export function routeTemplate(paths: AllowedMethods, url: string): string {
  // The common case. A client may also send a pattern, which is no path.
  if (url in paths && !url.endsWith('*')) return url;
  const pattern = patternOf(paths, url);
  if (pattern === undefined) return 'unknown';
  return pattern === '/keys/*' ? '/keys/{key}' : pattern.replace(/\/\*$/, '');
}
