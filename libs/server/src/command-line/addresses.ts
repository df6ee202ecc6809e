import { isIPv6 } from 'node:net';
import { canonicalAddress, httpOrigin } from '@kvs/protocol';
import { InvalidArgumentError } from 'commander';
import { canonicalHost } from './host-names.js';
import { parseWholeNumber } from './options.js';

/**
 * Parses a TCP port; 0 stands for any free port.
 *
 * @throws InvalidArgumentError
 */
export function parsePort(text: string): number {
  return parseWholeNumber(text, { min: 0, max: 65_535 });
}

/**
 * Parses a name or an address to listen on. Returns it as `listen` of `node:net` takes it: IPv6 without brackets.
 *
 * @throws InvalidArgumentError
 */
export function parseHost(text: string): string {
  const inBrackets = /^\[(.*)\]$/.exec(text)?.[1] ?? '';
  if (isIPv6(inBrackets)) return inBrackets;
  if (isIPv6(text) || canonicalHost(text) !== undefined) return text;
  throw new InvalidArgumentError(
    'A host is a name or an address without a port, such as localhost or [::1].',
  );
}

/** Returns whether a server that listens there listens on all addresses, so that others can't reach it under this name. */
export function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Returns whether the text is an `http:` or `https:` URL. */
export function isHttpUrl(text: string): boolean {
  return httpOrigin(text) !== undefined;
}

/**
 * Parses the URL of a server. Returns its origin.
 *
 * @throws InvalidArgumentError
 */
export function parseOrigin(text: string): string {
  const origin = httpOrigin(text);
  if (origin !== undefined) return origin;
  throw new InvalidArgumentError('It must be a URL such as http://localhost:8080.');
}

/**
 * Parses a node's address, `host:port`. Returns its usual spelling.
 *
 * @throws InvalidArgumentError
 */
export function parseAddress(text: string): string {
  const address = canonicalAddress(text);
  if (address !== undefined) return address;
  throw new InvalidArgumentError(
    `A node is given as host:port, such as localhost:3000 or [::1]:3000, not as ${JSON.stringify(text)}.`,
  );
}
