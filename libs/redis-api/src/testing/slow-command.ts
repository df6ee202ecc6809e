import type { Command } from '../command.js';

/** SLOW: a command that is done at once, but keeps everything else waiting for a millisecond. Answers how often it ran. */
export class SlowCommand implements Command {
  readonly name = 'slow';
  readonly arity = 1;
  readonly flags = [];
  count = 0;
  /** Called when it runs for the first time. */
  onFirst = (): void => undefined;

  readonly run = (): number => {
    if (++this.count === 1) this.onFirst();
    for (const endMs = performance.now() + 1; performance.now() < endMs;);
    return this.count;
  };
}
