import type { IncomingHttpHeaders } from 'node:http';
import { isVersionCondition, KvsError } from '@kvs/protocol';

/** Returns a key's version as an entity tag (RFC 9110, section 8.8.3). */
export function entityTag(version: number): string {
  return `"${version}"`;
}

/** The condition of `If-Match` and `If-None-Match` on a key's current version (RFC 9110, section 13). */
export type Precondition =
  /** The store checks it, atomically with the write. */
  { readonly ifVersion?: number } | Predicate;

/** Needs the current version: `*`, or more than one tag. */
export interface Predicate {
  /** @param version 0 stands for an absent key */
  readonly holds: (version: number) => boolean;
}

export function writePrecondition(headers: IncomingHttpHeaders): Precondition {
  const match = parseTags('if-match', headers['if-match']);
  const noneMatch = parseTags('if-none-match', headers['if-none-match']);
  if (match === undefined && noneMatch === undefined) return {};
  if (match === undefined && noneMatch === 'any') return { ifVersion: 0 };
  if (noneMatch === undefined && match !== undefined && match !== 'any' && match.size === 1) {
    const [ifVersion] = match;
    if (ifVersion !== undefined) return { ifVersion };
  }
  return {
    holds: (version) =>
      (match === undefined || matches(match, version)) && !(noneMatch && matches(noneMatch, version)),
  };
}

/** Returns whether the client already has this version, so that 304 is the answer. */
export function isNotModified(headers: IncomingHttpHeaders, version: number): boolean {
  const tags = parseTags('if-none-match', headers['if-none-match']);
  return tags !== undefined && matches(tags, version);
}

/** Returns whether `If-Match` of a read fails, so that 412 is the answer. */
export function isMatchFailed(headers: IncomingHttpHeaders, version: number): boolean {
  const tags = parseTags('if-match', headers['if-match']);
  return tags !== undefined && !matches(tags, version);
}

type Tags = 'any' | ReadonlySet<number>;

function matches(tags: Tags, version: number): boolean {
  return version !== 0 && (tags === 'any' || tags.has(version));
}

/** A tag may contain commas, so a list of tags is not split at commas. */
const ENTITY_TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

/** A version that never occurs. It stands for a tag that is no version. */
const NO_VERSION = Number.MAX_SAFE_INTEGER;

function parseTags(name: 'if-match' | 'if-none-match', header: string | undefined): Tags | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return 'any';
  const tags = [...header.matchAll(ENTITY_TAG)];
  if (tags.length === 0 || /[^\s,]/.test(header.replaceAll(ENTITY_TAG, ''))) {
    throw new KvsError('invalid_parameter', `${name} must be * or quoted entity tags`);
  }
  return new Set(
    tags.map(([, weak, text = '']) => {
      // If-Match compares strongly: a weak tag never matches.
      if (weak !== undefined && name === 'if-match') return NO_VERSION;
      const version = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : NO_VERSION;
      return isVersionCondition(version) ? version : NO_VERSION;
    }),
  );
}
