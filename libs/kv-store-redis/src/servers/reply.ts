import type { Bytes } from '../data/pair-codec.js';
import type { ServerError } from './server-error.js';

export interface RedisCommand {
  readonly name: string;
  readonly args: readonly Bytes[];
}

/** The result of one command on one server. */
export type Reply =
  | {
      readonly kind: 'answered';
      readonly value: unknown;
      /** Why a write may be lost with its server, if replicas should have it too. */
      readonly replicaProblem: string | undefined;
    }
  /** An error of the server. */
  | { readonly kind: 'error'; readonly message: string; readonly error: ServerError }
  /** The command was not sent. */
  | { readonly kind: 'unsent'; readonly message: string }
  /** The command was sent and not answered. It may have been run. */
  | { readonly kind: 'lost'; readonly message: string };

export function unsent(commands: readonly RedisCommand[], message: string): Reply[] {
  return commands.map(() => ({ kind: 'unsent', message }));
}

export function lost(commands: readonly RedisCommand[], message: string): Reply[] {
  return commands.map(() => ({ kind: 'lost', message }));
}

/** Returns why a command has no answer; undefined if it has one. */
export function problemOf(reply: Reply | undefined): string | undefined {
  return reply?.kind === 'answered' ? undefined : (reply?.message ?? 'Redis gave no answer');
}
