/* The rules for what a node says of itself, for its command line and for everybody that is told. */

/**
 * Returns the usual spelling of a node's address, `host:port` with an IPv6 host in brackets, so that a node has one name:
 * `[0:0:0:0:0:0:0:1]:03000` is `[::1]:3000`. Returns undefined if the text is no such address.
 */
export function canonicalAddress(text: string): string | undefined {
  const [, host = '', digits] = ADDRESS.exec(text) ?? [];
  const origin = `http://${host}`;
  const port = Number(digits);
  if (!URL.canParse(origin) || !(port >= 1 && port <= 65_535)) return undefined;
  return `${new URL(origin).hostname}:${port}`;
}

/** Returns the origin of an `http:` or `https:` URL; undefined if the text is none. */
export function httpOrigin(text: string): string | undefined {
  return /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text).origin : undefined;
}

/** Returns whether a node can have the id. Each address is an id too. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** Returns whether a text, such as a zone, is short and keeps to its line in a log or a header. It may be empty. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** Returns whether a node can have the weight. A ring takes weights of a wider range. */
export function isWeight(weight: number): boolean {
  return weight >= MIN_WEIGHT && weight <= MAX_WEIGHT;
}

export const MIN_WEIGHT = 0.000_001;
export const MAX_WEIGHT = 1_000_000;

/** Most characters of an id or a label: those of an address whose domain name is as long as possible (RFC 1035), and one more. */
export const MAX_LABEL_LENGTH = 260;

const ADDRESS = /^(\[[\da-f:.]+\]|[\da-z._-]{1,253}):(\d{1,5})$/i;
const NODE_ID = new RegExp(`^[\\w.:[\\]-]{1,${MAX_LABEL_LENGTH}}$`);
const LABEL = new RegExp(`^[^\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]{0,${MAX_LABEL_LENGTH}}$`, 'u');
