import type { IncomingMessage, ServerResponse } from 'node:http';
import { patternOf, type AllowedMethods } from '../server/allowed-methods.js';
import { CLIENT_GONE_STATUS, type RequestMetrics } from './request-metrics.js';

/** Sees to it that a request is counted when it is done with, however it ends. */
export type RequestTracker = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * @param paths those that the server knows; a request for any other counts for the route `unknown`
 * @param now a clock in milliseconds, of any beginning
 */
export function requestTracker(
  metrics: RequestMetrics,
  paths: AllowedMethods,
  now: () => number = () => performance.now(),
): RequestTracker {
  return (request, response) => {
    const arrived = now();
    // Taken now: Express writes to the request's target.
    const route = routeTemplate(paths, request.url ?? '/');
    response.on('close', () => {
      const status = response.headersSent ? response.statusCode : CLIENT_GONE_STATUS;
      metrics.observe(request.method ?? '', route, status, (now() - arrived) / 1000);
    });
  };
}

/** The route of a request as metrics name it: one of a set that is as large as the table of paths. */
export function routeTemplate(paths: AllowedMethods, url: string): string {
  // As the hot routes mostly are. A pattern is no path, whoever asks for one.
  if (url in paths && !url.endsWith('*')) return url;
  const pattern = patternOf(paths, url);
  if (pattern === undefined) return 'unknown';
  return pattern === '/keys/*' ? '/keys/{key}' : pattern.replace(/\/\*$/, '');
}
