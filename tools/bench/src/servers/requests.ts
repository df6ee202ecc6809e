import { isDeepStrictEqual } from 'node:util';
import { Agent, request as httpRequest } from 'node:http';
import { randomTexts, seededRandom } from '../harness/random.js';
import type { RunningContender } from './contenders.js';

export const OPERATIONS = ['set', 'query', 'fetch'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Pair {
  readonly key: string;
  readonly value: string;
}

export interface PreparedRequest {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  /** ASCII characters only. */
  readonly body: string;
  /** Whether this is the right answer, given that all pairs are stored. */
  isRight(answer: string): boolean;
}

const KEY_BYTES = 16;
const VALUE_BYTES = 100;
const LANES = 16;
const LOAD_BATCH = 1000;

/** Returns random pairs of 16 and 100 bytes of text, the same for each call. */
export function randomPairs(count: number): Pair[] {
  const random = seededRandom(1);
  const keys = randomTexts(count, KEY_BYTES, random);
  const values = randomTexts(count, VALUE_BYTES, random);
  return keys.map((key, at) => ({ key, value: values[at] ?? '' }));
}

/** Returns the requests of an operation for all pairs, `batchSize` of them in each. */
export function requestsFor(
  operation: Operation,
  pairs: readonly Pair[],
  batchSize: number,
): PreparedRequest[] {
  return Array.from({ length: Math.ceil(pairs.length / batchSize) }, (_, at) =>
    requestFor(operation, pairs.slice(at * batchSize, (at + 1) * batchSize)),
  );
}

function requestFor(operation: Operation, pairs: readonly Pair[]): PreparedRequest {
  const items = wirePairs(pairs);
  const keys = items.map(({ key }) => key);
  switch (operation) {
    case 'set':
      return post('/set', items, { keys_added: pairs.length, keys_failed: [] }, 'PUT');
    case 'query':
      return post(
        '/query',
        keys,
        keys.map((key) => ({ key, value: true })),
      );
    case 'fetch':
      return post('/fetch', keys, items);
  }
}

function post(
  path: string,
  body: unknown,
  answer: unknown,
  method: 'POST' | 'PUT' = 'POST',
): PreparedRequest {
  const isRight = (text: string): boolean => isDeepStrictEqual(JSON.parse(text), answer);
  return { method, path, body: JSON.stringify(body), isRight };
}

/** Returns the text of `GET /fetch` as kvs writes it, one pair per line. The order of pairs is not specified. */
export function fetchText(pairs: readonly Pair[]): string {
  return `[${wirePairs(pairs)
    .map((pair) => JSON.stringify(pair))
    .join('\n,')}\n]`;
}

function wirePairs(pairs: readonly Pair[]) {
  const text = (data: string) => ({ encoding: 'string', data }) as const;
  return pairs.map(({ key, value }) => ({ key: text(key), value: text(value) }));
}

export type AskedServer = Pick<RunningContender, 'name' | 'origin'>;

/** Writes pairs and checks every answer. */
export function load(server: AskedServer, pairs: readonly Pair[]): Promise<void> {
  return expectRight(server, requestsFor('set', pairs, LOAD_BATCH));
}

/** Sends about a hundred of the requests, spread over all, and checks statuses and bodies of the answers. */
export function verify(server: AskedServer, requests: readonly PreparedRequest[]): Promise<void> {
  const step = Math.ceil(requests.length / 100);
  return expectRight(
    server,
    requests.filter((_request, at) => at % step === 0),
  );
}

async function expectRight(server: AskedServer, requests: readonly PreparedRequest[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES });
  const left = requests.values();
  const lane = async (): Promise<void> => {
    for (const request of left) {
      const { status, body } = await ask(server.origin, request, agent);
      if (status === 200 && request.isRight(body)) continue;
      const { method, path } = request;
      throw new Error(`${server.name} answers ${method} ${path} with ${status}: ${body.slice(0, 300)}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    agent.destroy();
  }
}

/** Sends a request and returns the answer, read to its end. */
export function ask(
  origin: string,
  { method, path, body }: Pick<PreparedRequest, 'method' | 'path' | 'body'>,
  agent: Agent,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    httpRequest(new URL(path, origin), { method, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    })
      .on('error', reject)
      .end(body);
  });
}
