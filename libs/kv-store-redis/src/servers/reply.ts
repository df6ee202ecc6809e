import type { Bytes } from '../data/pair-codec.js';
import type { ServerError } from './server-error.js';

export interface RedisCommand {
  readonly name: string;
  readonly args: readonly Bytes[];
}

/** What became of one command sent to one server. */
export type Reply =
  | {
      readonly kind: 'answered';
      readonly value: unknown;
      /** Why a write may be lost with its server, where replicas were to have it too. */
      readonly replicaProblem: string | undefined;
    }
  /** An error of the server's own. */
  | { readonly kind: 'refused'; readonly message: string; readonly error: ServerError }
  /** It never left. */
  | { readonly kind: 'unsent'; readonly message: string }
  /** It left, and no answer came: it may have been run. */
  | { readonly kind: 'lost'; readonly message: string };

export function unsent(commands: readonly RedisCommand[], message: string): Reply[] {
  return commands.map(() => ({ kind: 'unsent', message }));
}

export function lost(commands: readonly RedisCommand[], message: string): Reply[] {
  return commands.map(() => ({ kind: 'lost', message }));
}

/** Why a command has no answer; undefined if it has one. */
export function problemOf(reply: Reply | undefined): string | undefined {
  return reply?.kind === 'answered' ? undefined : (reply?.message ?? 'Redis gave no answer');
}
