import { isIPv6 } from 'node:net';

/**
 * Returns a host name or address in canonical form: lower case, IPv6 shortened and in brackets, without a final dot.
 * Returns undefined if the text is neither, or has a port.
 */
export function canonicalHost(text: string): string | undefined {
  const host = isIPv6(text) ? `[${text}]` : text;
  if (host.length > MAX_LENGTH || !HOST.test(host)) return undefined;
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : undefined;
}

/** Characters of the longest domain name (RFC 1035). */
const MAX_LENGTH = 255;

/** An address in brackets, or characters that a URL can only have in its host. */
const HOST = /^(?:\[[\da-f:.]+\]|[^\s*:/?#@\\%[\]]+)$/i;

/** Whether a canonical host always means the local machine: RFC 6761 (`localhost`), RFC 1122 (127/8), RFC 4291 (::1). */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

const LOOPBACK = /^(?:(?:[^.]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/;
