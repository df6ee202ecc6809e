import type { IncomingMessage, ServerResponse } from 'node:http';
import { KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';

/** The methods of each path. The `Allow` header lists them. A path that ends in `/*` stands for all paths below it. */
export type AllowedMethods = Readonly<Record<string, readonly string[]>>;

export const API_METHODS: AllowedMethods = {
  '/': ['GET', 'HEAD'],
  '/set': ['PUT'],
  '/fetch': ['GET', 'HEAD', 'POST'],
  '/query': ['POST'],
  '/delete': ['POST'],
  '/touch': ['POST'],
  '/increment': ['POST'],
  '/keys/*': ['GET', 'HEAD', 'PUT', 'DELETE'],
  '/health/live': ['GET', 'HEAD'],
  '/health/ready': ['GET', 'HEAD'],
  '/metrics': ['GET', 'HEAD'],
  '/openapi.json': ['GET', 'HEAD'],
  '/docs': ['GET', 'HEAD'],
  '/docs/*': ['GET', 'HEAD'],
};

/**
 * Returns Express middleware that answers 405 with `Allow` for a known path and another method, and `OPTIONS` with the same
 * header. Express would answer 404. Browsers send `OPTIONS` to learn what a page of another origin may send.
 */
export function allowedMethodsMiddleware(methodsByPath: AllowedMethods) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const pattern = patternOf(methodsByPath, request.url ?? '/');
    const methods = pattern === undefined ? undefined : methodsByPath[pattern];
    if (methods === undefined || methods.includes(request.method ?? '')) {
      next();
      return;
    }
    response.setHeader('allow', methods.join(', '));
    if (request.method === 'OPTIONS') {
      if (response.hasHeader('access-control-allow-origin')) permit(request, response, methods);
      response.statusCode = 204;
      response.end();
    } else {
      sendProblem(response, new KvsError('method_not_allowed', `allowed here: ${methods.join(', ')}`));
    }
  };
}

/** Answers a CORS preflight: pages of an allowed origin may send all that other clients may. */
function permit({ headers }: IncomingMessage, response: ServerResponse, methods: readonly string[]): void {
  if (headers['access-control-request-method'] === undefined) return;
  response.setHeader('access-control-allow-methods', methods.join(', '));
  const wanted = headers['access-control-request-headers'];
  if (wanted !== undefined) response.setHeader('access-control-allow-headers', wanted);
  response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
}

/** Time until a browser asks again, in seconds: the longest that Chromium accepts. */
const PREFLIGHT_SECONDS = 7200;

/** Returns the path in the table that a request's target belongs to. */
export function patternOf(methodsByPath: AllowedMethods, url: string): string | undefined {
  // For Express, a trailing slash and the case of letters make no difference.
  const path = (url.split('?', 1)[0] ?? '/').replace(ORIGIN, '').toLowerCase();
  const exact = path.replace(/(?<=.)\/$/, '');
  if (methodsByPath[exact]) return exact;
  return Object.keys(methodsByPath).find(
    (pattern) => pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1)),
  );
}

/** A target may be in absolute form, as for web proxies. */
const ORIGIN = /^https?:\/\/[^/]*/i;
