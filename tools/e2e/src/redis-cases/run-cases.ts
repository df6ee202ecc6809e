import { isDeepStrictEqual } from 'node:util';
import type { RespReply } from '../support/resp-client.js';
import { CaseClient } from './case-client.js';
import type { RedisCase } from './case-file.js';

export interface CaseResult {
  readonly name: string;
  readonly result: 'passed' | 'failed' | 'left out';
  /** Why the case failed or was left out. */
  readonly reason?: string;
}

export interface RunOptions {
  /** The address of a server as `host:port`. All its pairs are deleted, also those of the other nodes of its cluster. */
  readonly address: string;
  /** Whether the server is a node of a cluster: then the cases for clusters run in place of those for servers by themselves. */
  readonly isCluster: boolean;
}

/** Runs cases one after the other. Leaves out those with a command that the server does not have. */
export async function runCases(cases: readonly RedisCase[], options: RunOptions): Promise<CaseResult[]> {
  const { address, isCluster } = options;
  const known = await commandsOf(address);
  const results: CaseResult[] = [];
  for (const one of cases) {
    if (one.onlyFor === (isCluster ? 'standalone' : 'cluster')) continue;
    const missing = one.commands.map(nameOf).find((name) => !known.has(name));
    if (missing === undefined) results.push(await runCase(one, address));
    else results.push({ name: one.name, result: 'left out', reason: `there is no ${missing}` });
  }
  return results;
}

async function runCase({ name, ...one }: RedisCase, address: string): Promise<CaseResult> {
  const client = new CaseClient(address);
  try {
    for (const [i, command] of one.commands.entries()) {
      const order = one.isUnordered ? sorted : (reply: unknown) => reply;
      const actual = plain(await client.ask(command));
      const expected = one.replies[i];
      if (isDeepStrictEqual(order(actual), order(expected))) continue;
      const [got, wanted] = [actual, expected].map((reply) => JSON.stringify(reply));
      return { name, result: 'failed', reason: `${command.join(' ')}: ${got} in place of ${wanted}` };
    }
    return { name, result: 'passed' };
  } finally {
    client.close();
  }
}

/** Returns the names of all commands of a server. */
async function commandsOf(address: string): Promise<ReadonlySet<unknown>> {
  const client = new CaseClient(address);
  try {
    const names = plain(await client.ask(['COMMAND', 'LIST']));
    if (!Array.isArray(names)) throw new TypeError(`COMMAND LIST failed: ${JSON.stringify(names)}`);
    return new Set(names);
  } finally {
    client.close();
  }
}

function nameOf([name = '']: readonly string[]): string {
  return name.toLowerCase();
}

/** Returns a reply of RESP2 as JSON writes it. An error becomes an object, which no case expects. */
function plain({ type, text, items }: RespReply): unknown {
  if (items !== undefined) return items.map(plain);
  if (text === undefined) return null;
  if (type === ':') return Number(text);
  const shown = Buffer.from(text, 'latin1').toString();
  return type === '-' ? { error: shown } : shown;
}

/** Sorts an array of texts, and the arrays in an array. */
function sorted(reply: unknown): unknown {
  if (!Array.isArray(reply)) return reply;
  return reply.some(Array.isArray) ? reply.map(sorted) : [...reply].sort();
}
