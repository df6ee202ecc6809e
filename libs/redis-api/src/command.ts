import type { FetchOutcome, Key, MaybePromise, SetItem, SetOutcome } from '@kvs/protocol';
import type { Reply } from './reply.js';

/** What COMMAND INFO says about a command. Only `write`, `readonly` and `denyoom` also say something to kvs. */
export type CommandFlag =
  | 'admin'
  | 'dangerous'
  | 'denyoom'
  | 'fast'
  | 'loading'
  | 'no_auth'
  | 'noscript'
  | 'readonly'
  | 'stale'
  | 'write';

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
  /** Set if the command runs at once even after MULTI, such as EXEC. All others are queued there. */
  readonly runsInMulti?: true;
  /**
   * Returns the call for the plain forms of a command of one key. Consecutive calls of one kind in a pipeline go to the
   * operations as one batch. Undefined for all other forms: then `run` is called.
   *
   * @throws RedisError
   */
  readonly single?: (args: readonly Buffer[]) => SingleCall | undefined;
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

/** A fetch or a write of one pair, and how its outcome becomes a reply. */
export type SingleCall =
  | {
      readonly kind: 'fetch';
      readonly key: Key;
      /** @throws RedisError, KvsError */
      readonly answer: (outcome: FetchOutcome) => Reply;
    }
  | {
      readonly kind: 'set';
      readonly item: SetItem;
      /** @throws RedisError, KvsError */
      readonly answer: (outcome: SetOutcome) => Reply;
    };

/** What a command may use. */
export interface CommandContext {
  readonly client: ClientState;
}

/** What a client has set on its connection. */
export interface ClientState {
  /** Set between MULTI and EXEC: commands go here and do not run. */
  queue?: CommandQueue | undefined;
}

/** The commands between MULTI and EXEC. */
export interface CommandQueue {
  /**
   * Adds a command whose number of arguments and keys were checked.
   *
   * @param args the arguments without the name, to be copied
   * @returns the reply to the client
   */
  add(command: Command, args: readonly Buffer[]): Reply;
  /** Notes that a command was refused before it could be added: EXEC then refuses to run any of them. */
  refuse(): void;
}
