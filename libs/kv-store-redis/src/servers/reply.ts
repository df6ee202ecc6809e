import type { Bytes } from '../data/pair-codec.js';

export interface RedisCommand {
  readonly name: string;
  readonly args: readonly Bytes[];
}

/** What became of one command sent to one server. */
export type Reply =
  | {
      readonly kind: 'answered';
      readonly value: unknown;
      /** Where replicas were waited for, whether enough of them have it. */
      readonly isReplicated: boolean;
    }
  /** An error of the server's own. Our scripts fail before their first change or not at all. */
  | { readonly kind: 'refused'; readonly message: string }
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
