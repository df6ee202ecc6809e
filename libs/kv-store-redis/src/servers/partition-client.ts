import type { Bytes } from '../data/pair-codec.js';
import type { PartitionKeys } from '../data/partition-keys.js';
import type { Script } from '../data/scripts.js';
import type { Deadline } from './deadline.js';
import type { RedisServer } from './redis-server.js';
import type { RedisCommand, Reply } from './reply.js';
import type { Topology } from './topology.js';

/** A command on the data of one partition. */
export interface PartitionRequest {
  readonly keys: PartitionKeys;
  /** A script, or a command whose first argument is the key of the partition's pairs. */
  readonly run: Script | string;
  readonly args: readonly Bytes[];
  readonly isWrite: boolean;
}

export type PartitionReply =
  | Extract<Reply, { kind: 'answered' }>
  | { readonly kind: 'out_of_memory'; readonly message: string }
  | { readonly kind: 'unavailable'; readonly message: string; readonly maybeApplied: boolean };

/**
 * Sends each request to the server of its partition. All requests for one server go together. Until the deadline, it
 * sends reads again, and writes that surely did nothing. It never sends a write twice that may have been run, and
 * nothing after the deadline.
 */
export class PartitionClient {
  readonly #topology: Topology;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** @param isPatient false to give up if the client would have to wait for a server */
  async send(
    requests: readonly PartitionRequest[],
    deadline: Deadline,
    isPatient = true,
  ): Promise<PartitionReply[]> {
    const attempts = requests.map((request) => new Attempt(request));
    for (let open = attempts; ;) {
      await this.#sendOnce(open, deadline);
      open = open.filter(({ reply }) => reply === undefined);
      if (open.length === 0 || deadline.isOver) break;
      if (open.every(({ isImmediate }) => isImmediate)) continue;
      if (!isPatient || this.#topology.isAway) break;
      await deadline.race(this.#topology.refresh());
      await deadline.pause(RETRY_PAUSE_MS);
      if (deadline.isOver) break;
    }
    return attempts.map(({ outcome }) => outcome);
  }

  async #sendOnce(attempts: readonly Attempt[], deadline: Deadline): Promise<void> {
    const byServer = new Map<RedisServer, Attempt[]>();
    for (const attempt of attempts) {
      const server = attempt.askTarget ?? this.#topology.serverFor(attempt.request.keys.slot);
      if (server === undefined)
        attempt.receive({ kind: 'unsent', message: this.#topology.problem }, this.#topology);
      else add(byServer, server, attempt);
    }
    await Promise.all([...byServer].map(([server, some]) => this.#sendTo(server, some, deadline)));
  }

  /** Writes are separate from reads, because writes may have to wait for replicas. */
  async #sendTo(server: RedisServer, attempts: readonly Attempt[], deadline: Deadline): Promise<void> {
    const writes = attempts.filter(({ request }) => request.isWrite);
    const reads = attempts.filter(({ request }) => !request.isWrite);
    await Promise.all([
      this.#exchange(writes, (commands) => server.write(commands, deadline)),
      this.#exchange(reads, (commands) => server.read(commands, deadline)),
    ]);
  }

  async #exchange(
    attempts: readonly Attempt[],
    send: (commands: readonly RedisCommand[]) => Promise<Reply[]>,
  ): Promise<void> {
    if (attempts.length === 0) return;
    const commands = attempts.map((attempt) => attempt.commands());
    const replies = await send(commands.flat());
    let end = 0;
    for (const [index, attempt] of attempts.entries()) {
      end += commands[index]?.length ?? 0;
      attempt.receive(replies[end - 1] ?? { kind: 'lost', message: 'Redis gave no answer' }, this.#topology);
    }
  }
}

const RETRY_PAUSE_MS = 25;

/** How many redirections are followed without a pause, in case servers redirect a request to each other. */
const MAX_REDIRECTIONS_AT_ONCE = 5;

const ASKING: RedisCommand = { name: 'ASKING', args: [] };

/** A request, until it has its reply. */
class Attempt {
  reply: PartitionReply | undefined;
  /** The server that has the key while its slot moves. */
  askTarget: RedisServer | undefined;
  /** Whether the next attempt may start without a pause. */
  isImmediate = false;
  #isScriptUnknown = false;
  #redirections = 0;
  #problem = '';
  /** The message of the last error of a server. */
  #lastError: string | undefined;

  constructor(readonly request: PartitionRequest) {}

  /** Returns the command, and the commands that must precede it. */
  commands(): RedisCommand[] {
    return this.askTarget === undefined ? [this.#command()] : [ASKING, this.#command()];
  }

  get outcome(): PartitionReply {
    return this.reply ?? { kind: 'unavailable', message: this.#problem, maybeApplied: false };
  }

  receive(reply: Reply, topology: Topology): void {
    this.isImmediate = false;
    switch (reply.kind) {
      case 'answered':
        this.reply = reply;
        return;
      case 'error':
        this.#problem = this.#lastError = reply.message;
        this.#receiveError(reply, topology);
        return;
      case 'lost':
      case 'unsent':
        this.askTarget = undefined;
        this.#problem =
          this.#lastError === undefined || this.#lastError === reply.message
            ? reply.message
            : `${reply.message}; before: ${this.#lastError}`;
        if (reply.kind === 'lost' && this.request.isWrite) this.#fail(true);
    }
  }

  #receiveError({ message, error }: Extract<Reply, { kind: 'error' }>, topology: Topology): void {
    const { keys, isWrite } = this.request;
    if (error.action !== 'send-text') this.askTarget = undefined;
    switch (error.action) {
      case 'send-text':
        this.isImmediate = !this.#isScriptUnknown;
        this.#isScriptUnknown = true;
        return;
      case 'moved':
      case 'ask':
        this.isImmediate = error.target !== undefined && ++this.#redirections <= MAX_REDIRECTIONS_AT_ONCE;
        if (error.target === undefined) return;
        if (error.action === 'moved') topology.assign(keys.slot, error.target);
        else this.askTarget = topology.serverAt(error.target);
        return;
      case 'retry':
      case 'reconnect':
        return;
      case 'report':
        if (error.code === 'OOM') this.reply = { kind: 'out_of_memory', message };
        else this.#fail(false);
        return;
      case 'failed':
        this.#fail(isWrite && error.isFromScript);
    }
  }

  #fail(maybeApplied: boolean): void {
    this.reply = { kind: 'unavailable', message: this.#problem, maybeApplied };
  }

  #command(): RedisCommand {
    const { keys, run, args } = this.request;
    if (typeof run === 'string') return { name: run, args: [keys.pairs, ...args] };
    const keysAndArgs = ['3', keys.pairs, keys.floor, keys.deadlines, ...args];
    return this.#isScriptUnknown
      ? { name: 'EVAL', args: [run.text, ...keysAndArgs] }
      : { name: 'EVALSHA', args: [run.sha, ...keysAndArgs] };
  }
}

function add<K, V>(groups: Map<K, V[]>, key: K, item: V): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}
