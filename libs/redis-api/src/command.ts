import type { MaybePromise } from '@kvs/protocol';
import type { Keyspace, SingleCall } from './keyspace/index.js';
import type { RedisError, Reply } from './reply.js';
import type { ProtocolVersion } from './resp/reply-writer.js';
import type { WatchedKeys } from './watched-keys.js';

/** The flags that COMMAND INFO shows for a command. kvs itself uses only `write`, `readonly` and `denyoom`. */
export type CommandFlag =
  'admin' | 'denyoom' | 'fast' | 'loading' | 'no_auth' | 'noscript' | 'readonly' | 'stale' | 'write';

/** Where the keys of a command are among its arguments, as COMMAND INFO says it. The name of the command is number 0. */
export interface KeySpec {
  readonly first: number;
  /** Negative numbers count from the end: -1 is the last argument. */
  readonly last: number;
  readonly step: number;
}

/** One command of the Redis protocol, such as GET. */
export interface Command {
  /** In lower case. */
  readonly name: string;
  /** The number of arguments with the name, as Redis counts; a negative number means at least so many. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** Undefined if the command has no keys. */
  readonly keys?: KeySpec;
  /** Returns the error for a request that must not even be queued after MULTI, such as one with an unknown subcommand. */
  readonly refusal?: (args: readonly Buffer[]) => RedisError | undefined;
  /**
   * Set if the command is not queued after MULTI. `runs` means that it runs at once, such as DISCARD. EXEC has `runsQueue`: it runs
   * the commands that were queued, and the queue and the watched keys end with it.
   */
  readonly inMulti?: 'runs' | 'runsQueue';
  /** Returns whether a request reads pairs although the command is not `readonly`, because only some subcommands do. */
  readonly readsPairs?: (args: readonly Buffer[]) => boolean;
  /** The names of the subcommands in lower case, if the command has any. */
  readonly subcommands?: readonly string[];
  /** Returns the name with that of the subcommand, such as `client|info`. */
  readonly fullName?: (args: readonly Buffer[]) => string;
  /**
   * Returns the call for the plain forms of a command of one key. Consecutive calls of one kind in a pipeline go to the
   * operations as one batch. Undefined for all other forms: then `run` is called.
   *
   * @throws RedisError
   */
  readonly single?: (args: readonly Buffer[], keyspace: Keyspace) => SingleCall | undefined;
  /**
   * Runs the command. The number of arguments has been checked against the arity, and on a node of a cluster, the keys against
   * the topology.
   *
   * @param args the arguments without the name. They are valid until the reply is there; copy what must live longer.
   * @throws RedisError
   * @throws KvsError for a failure of the operations; the connection answers with the error that clients know for it
   */
  run(args: readonly Buffer[], context: CommandContext): MaybePromise<Reply>;
}

/** Returns the keys among the arguments of a command. O(number of keys). */
export function keysOf({ keys }: Command, args: readonly Buffer[]): readonly Buffer[] {
  if (keys === undefined) return NO_KEYS;
  const last = keys.last < 0 ? args.length + keys.last : keys.last - 1;
  if (keys.step === 1 && keys.first === 1) return last === args.length - 1 ? args : args.slice(0, last + 1);
  const found: Buffer[] = [];
  for (let at = keys.first - 1; at <= last; at += keys.step) {
    const key = args[at];
    if (key !== undefined) found.push(key);
  }
  return found;
}

const NO_KEYS: readonly Buffer[] = [];

/** The parts of the server that a command uses. */
export interface CommandContext {
  readonly keyspace: Keyspace;
  readonly client: ClientState;
  readonly server: ServerView;
}

/** A connection, and what its client has set on it. */
export interface ClientState {
  /** Never used twice in one process. */
  readonly id: number;
  /** Where the client is, as `host:port`. */
  readonly address: string;
  /** Where the server was reached, as `host:port`. */
  readonly localAddress: string;
  /** When the connection was accepted, in milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  /** When the client sent the last bytes, in milliseconds of the monotonic clock. */
  readonly lastBytesMs: number;
  /** The version in which replies are written. */
  protocol: ProtocolVersion;
  name: string;
  libraryName: string;
  libraryVersion: string;
  /** The name of the command that runs, or else of the last one; empty before the first. */
  readonly lastCommand: string;
  /** Whether replies are written. `skip` leaves out the next two, `skip-next` the next one. */
  replies: 'on' | 'off' | 'skip' | 'skip-next';
  /** Set between MULTI and EXEC: commands go here and do not run. */
  queue?: CommandQueue | undefined;
  /** The keys of WATCH, until EXEC, DISCARD or UNWATCH. */
  readonly watched: WatchedKeys;
  /** Closes the connection after the reply to the command that runs. */
  end(): void;
  /** Closes the connection at once. */
  destroy(): void;
}

/** The commands of a server. */
export interface Commands extends Iterable<Command> {
  /** Returns the command of this name, in whatever case. O(1). */
  named(name: string): Command | undefined;
}

/** The server that commands run on. */
export interface ServerView {
  /** Of kvs. */
  readonly version: string;
  /** Whether clients must send each command to the node that serves its keys. */
  readonly isCluster: boolean;
  /** When the server started, in milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  /** All commands that the server knows. */
  readonly commands: Commands;
  /** The connections of this process, by their ids. */
  readonly clients: ReadonlyMap<number, ClientState>;
  /** How many clients this process serves at once. */
  readonly maxClients: number;
  /** Connections accepted and commands begun since the start, or since they were last reset. */
  readonly totals: { readonly connections: number; readonly commands: number };
  resetTotals(): void;
  readonly memory: MemoryLimit;
  /** Returns the time by which pairs expire, in microseconds since the Unix epoch. */
  nowMicros(): number;
  /** Returns how many copies, besides its own, have every answered write of this node. */
  otherCopies(): number;
}

/** The memory that the pairs of a server take. */
export interface MemoryLimit {
  /** How much they may take; 0 for no limit. */
  readonly maxBytes: number;
  /** How much they take; undefined if the server does not know. */
  readonly usedBytes?: number;
  /** Whether a full server evicts pairs. */
  readonly evicts: boolean;
}

/** The commands between MULTI and EXEC. */
export interface CommandQueue {
  /** The number of commands. */
  readonly length: number;
  /** The keys of all commands, as they were sent. */
  readonly keys: readonly Buffer[];
  /** About what the commands take in memory. */
  readonly bytes: number;
  /** Whether no command writes pairs. */
  readonly isRead: boolean;
  /**
   * Adds a command whose number of arguments and keys were checked.
   *
   * @param args the arguments without the name, to be copied
   * @returns the reply to the client
   */
  add(command: Command, args: readonly Buffer[]): Reply;
  /** Notes the error of a command that could not be added: EXEC then refuses to run any of them. */
  refuse(error: RedisError): void;
}
