import { isDeepStrictEqual } from 'node:util';
import type { Pair } from '../pairs.js';

export const OPERATIONS = ['set', 'query', 'fetch'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface PreparedRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** Of ASCII characters. */
  readonly body?: string;
  /** Whether this is the right answer, given that all pairs are there. */
  isRight(answer: string): boolean;
}

/** How a server is asked. */
export interface Dialect {
  /** The most pairs that one request can be about. */
  readonly mostPairs: number;
  request(operation: Operation, pairs: readonly Pair[]): PreparedRequest;
}

/** The protocol of kvs, which the bare servers speak too. */
export const kvsDialect: Dialect = {
  mostPairs: 10_000,
  request: (operation, pairs) => {
    const keys = pairs.map(({ key }) => text(key));
    switch (operation) {
      case 'set':
        return {
          method: 'PUT',
          path: '/set',
          body: JSON.stringify(wirePairs(pairs)),
          isRight: isJson({ keys_added: pairs.length, keys_failed: [] }),
        };
      case 'query':
        return {
          method: 'POST',
          path: '/query',
          body: JSON.stringify(keys),
          isRight: isJson(keys.map((key) => ({ key, value: true }))),
        };
      case 'fetch':
        return {
          method: 'POST',
          path: '/fetch',
          body: JSON.stringify(keys),
          isRight: isJson(wirePairs(pairs)),
        };
    }
  },
};

/** The text of `GET /fetch`, as kvs writes it: a pair to the line. The order is any. */
export function fetchText(pairs: readonly Pair[]): string {
  return `[${wirePairs(pairs)
    .map((pair) => JSON.stringify(pair))
    .join('\n,')}\n]`;
}

/** Pairs as they are in bodies. */
export function wirePairs(pairs: readonly Pair[]): readonly { key: EncodedText; value: EncodedText }[] {
  return pairs.map(({ key, value }) => ({ key: text(key), value: text(value) }));
}

interface EncodedText {
  readonly encoding: 'string';
  readonly data: string;
}

function text(data: string): EncodedText {
  return { encoding: 'string', data };
}

/** For who takes only one pair at a time. */
export function onePair([pair, ...others]: readonly Pair[]): Pair {
  if (pair === undefined || others.length > 0) throw new RangeError('a request is about one pair');
  return pair;
}

export function isJson(expected: unknown): (answer: string) => boolean {
  return (answer) => isDeepStrictEqual(JSON.parse(answer), expected);
}
