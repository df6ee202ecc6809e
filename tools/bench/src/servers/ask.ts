import { Agent, request as httpRequest } from 'node:http';
import type { RunningContender } from './contenders/contender.js';
import type { Operation, PreparedRequest } from './contenders/dialect.js';
import { inBatches, type Pair } from './pairs.js';

const LANES = 16;
const LOADED_AT_A_TIME = 1000;

export type AskedServer = Pick<RunningContender, 'name' | 'origin' | 'dialect'>;

/** Writes pairs, and makes sure that they are taken. */
export function load(server: AskedServer, pairs: readonly Pair[]): Promise<void> {
  const size = Math.min(LOADED_AT_A_TIME, server.dialect.mostPairs);
  const requests = inBatches(pairs, size).map((batch) => server.dialect.request('set', batch));
  return expectRight(server, requests);
}

/** Makes sure that some of the requests, spread over all, are answered right: their statuses and their bodies. */
export function verify(server: AskedServer, requests: readonly PreparedRequest[]): Promise<void> {
  const step = Math.ceil(requests.length / 100);
  return expectRight(
    server,
    requests.filter((_request, at) => at % step === 0),
  );
}

/** The requests of an operation for all pairs, so many in each. */
export function requestsFor(
  { dialect }: AskedServer,
  operation: Operation,
  pairs: readonly Pair[],
  batchSize = 1,
): PreparedRequest[] {
  return inBatches(pairs, batchSize).map((batch) => dialect.request(operation, batch));
}

async function expectRight(server: AskedServer, requests: readonly PreparedRequest[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES });
  const left = requests.values();
  const lane = async (): Promise<void> => {
    for (const request of left) {
      const { status, body } = await ask(server.origin, request, agent);
      if (status === 200 && request.isRight(body)) continue;
      throw new Error(
        `${server.name} answers ${request.method} ${request.path} with ${status}: ${body.slice(0, 300)}`,
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    agent.destroy();
  }
}

function ask(
  origin: string,
  { method, path, body }: PreparedRequest,
  agent: Agent,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    httpRequest(new URL(path, origin), { method, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    })
      .on('error', reject)
      .end(body);
  });
}
