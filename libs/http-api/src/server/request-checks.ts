import type { HttpSettings } from '../http-settings.js';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { KvsError } from '@kvs/protocol';
import { canonicalHost, isLoopback } from '@kvs/server';

/** The host names that a server serves, and the origins besides its own whose pages may use it. */
export interface AccessRules {
  /** Canonical, without ports. */
  readonly hosts: ReadonlySet<string> | 'any';
  /** As browsers send them in `Origin`. */
  readonly origins: ReadonlySet<string> | 'any';
}

/**
 * Returns the rules of a server. A server on a loopback address serves the names of loopback, its own name and the allowed
 * names, because a web page can point any other name at it (DNS rebinding). A server on another address can't know its
 * names, and serves all names unless some are allowed.
 *
 * @param host the name or address at which the server listens
 * @param address the IP address of `host`
 */
export function accessRules(
  { allowHosts, allowOrigins }: Pick<HttpSettings, 'allowHosts' | 'allowOrigins'>,
  host: string,
  address: string,
): AccessRules {
  const isRestricted = allowHosts.length > 0 || isLoopback(canonicalHost(address) ?? '');
  const own = ['localhost', '127.0.0.1', '[::1]', canonicalHost(host) ?? host];
  return {
    hosts: !isRestricted || allowHosts.includes('*') ? 'any' : new Set([...own, ...allowHosts]),
    origins: allowOrigins.includes('*') ? 'any' : new Set(allowOrigins),
  };
}

/** The part of a request that the checks need. */
export type RequestHead = Pick<IncomingMessage, 'method' | 'httpVersion' | 'headers' | 'rawHeaders'>;

/**
 * Returns the reason to refuse a request whatever its path, or undefined. It is called for every request and every upgrade
 * before any work is done for it, because it keeps foreign web pages out. O(number of headers).
 */
export function refusalOf(request: RequestHead, rules: AccessRules): KvsError | undefined {
  return hostRefusal(request, rules) ?? originRefusal(request, rules) ?? transferRefusal(request);
}

/**
 * Returns the reason to refuse a request whose target is none of RFC 9112, section 3.2, or undefined. A target has no fragment, and
 * programs that parse URLs differ about a backslash, so a request could be about another key than the client meant.
 */
export function targetRefusal({ url = '' }: Pick<IncomingMessage, 'url'>): KvsError | undefined {
  const isKnown = url.startsWith('/') || url === '*' || (ABSOLUTE.test(url) && URL.canParse(url));
  if (isKnown && !url.includes('#') && !url.includes('\\')) return undefined;
  const shown = JSON.stringify(url.slice(0, MAX_SHOWN));
  return new KvsError(
    'invalid_request',
    `the target must be a path or an http URL, without # and \\, not ${shown}`,
  );
}

const ABSOLUTE = /^https?:\/\//i;

/** Lets a page of an allowed origin read the answer (CORS). */
export function announceOrigin(
  request: RequestHead,
  response: ServerResponse,
  { origins }: AccessRules,
): void {
  if (origins !== 'any' && origins.size === 0) return;
  response.setHeader('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !isAllowed(origin, origins)) return;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
}

/** Headers that clients use and that a browser hides from pages by default. */
const EXPOSED_HEADERS = 'ETag, KVS-Next-Cursor, KVS-TTL-Ms, KVS-Missing-Nodes, Allow, Retry-After';

/** HTTP/1.0 does not require `Host`. Simple health checks speak it, and no browser does. */
function hostRefusal({ httpVersion, headers, rawHeaders }: RequestHead, { hosts }: AccessRules) {
  const { host } = headers;
  if (host === undefined) {
    return httpVersion === '1.0' ? undefined : new KvsError('invalid_request', 'the header Host is missing');
  }
  if (isRepeated('host', rawHeaders))
    return new KvsError('invalid_request', 'the header Host is given twice');
  if (hosts === 'any' || isServed(host, hosts)) return undefined;
  const shown = JSON.stringify(host.slice(0, MAX_SHOWN));
  return new KvsError('wrong_host', `this server does not serve the host ${shown}; --allow-host adds names`);
}

function isServed(header: string, hosts: ReadonlySet<string>): boolean {
  const name = withoutPort(header);
  if (hosts.has(name)) return true;
  const canonical = canonicalHost(name);
  return canonical !== undefined && (hosts.has(canonical) || isLoopback(canonical));
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? host : host.slice(0, colon);
}

function originRefusal(request: RequestHead, { origins }: AccessRules): KvsError | undefined {
  const { origin } = request.headers;
  if (isSameOrigin(request) || isAllowed(origin, origins) || isNavigation(request)) return undefined;
  const page =
    origin === undefined ? 'another origin' : `the origin ${JSON.stringify(origin.slice(0, MAX_SHOWN))}`;
  return new KvsError(
    'cross_origin',
    `a page of ${page} may not use this server; --allow-origin adds origins`,
  );
}

/** Browsers without `Sec-Fetch-Site` send `Origin` with every request of another site that could change something. */
function isSameOrigin({ headers }: RequestHead): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin, host = '' } = headers;
  return origin === undefined || origin.toLowerCase().endsWith(`://${host.toLowerCase()}`);
}

function isAllowed(origin: string | undefined, origins: AccessRules['origins']): boolean {
  return origins === 'any' || (origin !== undefined && origins.has(origin));
}

/** The reader of a page follows a link, such as to /docs. The page can't read the answer. */
function isNavigation({ method, headers }: RequestHead): boolean {
  return (
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  );
}

/** Node decodes chunks, but passes on data in any other coding unchanged. */
function transferRefusal({ headers }: RequestHead): KvsError | undefined {
  const coding = headers['transfer-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined;
  const shown = JSON.stringify(coding.slice(0, MAX_SHOWN));
  return new KvsError('not_implemented', `Transfer-Encoding must be chunked, not ${shown}`);
}

/** `headers` has only the first of several `Host` headers. */
function isRepeated(name: string, rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const each = rawHeaders[i];
    if (each?.length === name.length && each.toLowerCase() === name) count++;
  }
  return count > 1;
}

/** Characters of a header that an error message shows. */
const MAX_SHOWN = 100;
