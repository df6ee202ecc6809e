import type { Bytes } from '../data/pair-codec.js';
import type { PartitionKeys } from '../data/partition-keys.js';
import type { Script } from '../data/scripts.js';
import type { Deadline } from './deadline.js';
import type { RedisServer } from './redis-server.js';
import type { RedisCommand, Reply } from './reply.js';
import { lost } from './reply.js';
import type { Topology } from './topology.js';

/** One command on the data of one partition. */
export interface PartitionRequest {
  readonly keys: PartitionKeys;
  /** A script, or a command that takes the key of the partition's pairs. */
  readonly run: Script | string;
  readonly args: readonly Bytes[];
  readonly isWrite: boolean;
}

export type PartitionReply =
  | Extract<Reply, { kind: 'answered' }>
  | { readonly kind: 'unavailable'; readonly message: string; readonly maybeApplied: boolean };

/**
 * Sends each request to the server that has its partition: all of a server's in one piece, and again, until the
 * deadline, those that surely did nothing or only read. A write that may have been run is never sent twice.
 */
export class PartitionClient {
  readonly #topology: Topology;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  async send(requests: readonly PartitionRequest[], deadline: Deadline): Promise<PartitionReply[]> {
    const attempts = requests.map((request) => new Attempt(request));
    for (let open = attempts; ;) {
      await this.#sendOnce(open, deadline);
      open = open.filter(({ reply }) => reply === undefined);
      if (open.length === 0 || deadline.isOver) break;
      if (open.every(({ isScriptUnknown }) => isScriptUnknown)) continue;
      if (this.#topology.isAway) break;
      await deadline.race(this.#topology.refresh());
      await deadline.pause(RETRY_PAUSE_MS);
    }
    return attempts.map(({ outcome }) => outcome);
  }

  async #sendOnce(attempts: readonly Attempt[], deadline: Deadline): Promise<void> {
    const byServer = new Map<RedisServer, Attempt[]>();
    for (const attempt of attempts) {
      const server = this.#topology.serverFor(attempt.request.keys.slot);
      if (server === undefined) attempt.isUnsent(this.#topology.problem);
      else add(byServer, server, attempt);
    }
    await Promise.all([...byServer].map(([server, some]) => sendTo(server, some, deadline)));
  }
}

const RETRY_PAUSE_MS = 25;

/** Errors that come before anything is done, and pass: a partition moves, a server starts, fails over or is busy. */
const PASSING_ERRORS = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY|BUSY|UNBLOCKED)\b/;

/** A request, until it has its reply. */
class Attempt {
  reply: PartitionReply | undefined;
  isScriptUnknown = false;
  #problem = '';

  constructor(readonly request: PartitionRequest) {}

  get command(): RedisCommand {
    const { keys, run, args } = this.request;
    if (typeof run === 'string') return { name: run, args: [keys.pairs, ...args] };
    const keysAndArgs = ['3', keys.pairs, keys.floor, keys.deadlines, ...args];
    return this.isScriptUnknown
      ? { name: 'EVAL', args: [run.text, ...keysAndArgs] }
      : { name: 'EVALSHA', args: [run.sha, ...keysAndArgs] };
  }

  get outcome(): PartitionReply {
    return this.reply ?? { kind: 'unavailable', message: this.#problem, maybeApplied: false };
  }

  isUnsent(message: string): void {
    this.isScriptUnknown = false;
    this.#problem = message;
  }

  take(reply: Reply): void {
    if (reply.kind === 'answered') {
      this.reply = reply;
      return;
    }
    this.#problem = reply.message;
    this.isScriptUnknown = reply.kind === 'refused' && reply.message.startsWith('NOSCRIPT');
    const isFinal =
      reply.kind === 'lost'
        ? this.request.isWrite
        : reply.kind === 'refused' && !this.isScriptUnknown && !PASSING_ERRORS.test(reply.message);
    if (isFinal) {
      this.reply = { kind: 'unavailable', message: reply.message, maybeApplied: reply.kind === 'lost' };
    }
  }
}

/** Writes apart from reads, for they may have to wait for replicas. */
async function sendTo(server: RedisServer, attempts: readonly Attempt[], deadline: Deadline): Promise<void> {
  const writes = attempts.filter(({ request }) => request.isWrite);
  const reads = attempts.filter(({ request }) => !request.isWrite);
  await Promise.all([
    exchange(writes, (commands) => server.write(commands), deadline),
    exchange(reads, (commands) => server.read(commands), deadline),
  ]);
}

async function exchange(
  attempts: readonly Attempt[],
  send: (commands: readonly RedisCommand[]) => Promise<Reply[]>,
  deadline: Deadline,
): Promise<void> {
  if (attempts.length === 0) return;
  const commands = attempts.map(({ command }) => command);
  const replies = (await deadline.race(send(commands))) ?? lost(commands, 'Redis did not answer in time');
  for (const [index, attempt] of attempts.entries()) {
    attempt.take(replies[index] ?? { kind: 'lost', message: 'Redis gave no answer' });
  }
}

function add<K, V>(groups: Map<K, V[]>, key: K, item: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}
