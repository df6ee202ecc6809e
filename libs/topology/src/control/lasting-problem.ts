import { messageOf } from '@kvs/protocol';
import type { ControlLog } from './ports.js';

/**
 * Warns of a problem when it begins, and of each further reason once, until it ends. A process that asks several others meets their
 * reasons in turns.
 */
export class LastingProblem {
  readonly #log: Pick<ControlLog, 'warn'>;
  readonly #description: string;
  /** The reasons since the problem began. */
  readonly #reasons = new Set<string>();
  #reason: string | undefined;

  /** @param description what can't be done, to which the reason is added */
  constructor(log: Pick<ControlLog, 'warn'>, description: string) {
    this.#log = log;
    this.#description = description;
  }

  /** The reason that was met last; undefined if there is no problem now. */
  get reason(): string | undefined {
    return this.#reason;
  }

  meet(error: unknown): void {
    const reason = messageOf(error);
    this.#reason = reason;
    if (this.#reasons.has(reason) || this.#reasons.size === MAX_REASONS) return;
    this.#reasons.add(reason);
    this.#log.warn({ reason }, `${this.#description}: ${reason}`);
  }

  end(): void {
    this.#reason = undefined;
    this.#reasons.clear();
  }
}

/** A reason may name something that is different each time. */
const MAX_REASONS = 20;
