import { isIPv6 } from 'node:net';

/**
 * Returns a host name or address in its one spelling: lower case, IPv6 in brackets and shortened, without a final dot.
 * Nothing if the text is neither, or has a port.
 */
export function canonicalHost(text: string): string | undefined {
  const host = isIPv6(text) ? `[${text}]` : text;
  if (!HOST.test(host)) return undefined;
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/\.$/, '') : undefined;
}

/** An address in brackets, or characters that a URL can only have in its host. */
const HOST = /^(?:\[[\da-f:.]+\]|[^\s*:/?#@\\%[\]]+)$/i;

/** Whether a canonical host can only mean the machine that asks: RFC 6761 (`localhost`), RFC 1122 (127/8), RFC 4291 (::1). */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

const LOOPBACK = /^(?:(?:[^.]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/;
