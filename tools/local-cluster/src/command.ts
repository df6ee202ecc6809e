import { WatchedProcess, type Exit } from '@kvs/protocol/testing';
import { workspaceRoot } from './scripts.js';

export interface Result extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Default: the root of the workspace. */
  readonly cwd?: string;
}

/** A running command in a process group of its own, like one in a terminal. */
export class Command extends WatchedProcess {
  /** Rejects if the command could not be started. */
  readonly finished: Promise<Result>;

  constructor(
    command: string,
    args: readonly string[],
    { environment, cwd = workspaceRoot }: CommandOptions = {},
  ) {
    super(command, args, { cwd, environment: { NO_COLOR: '1', ...environment }, detached: true });
    const parts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      this.child[name]?.setEncoding('utf8').on('data', (text: string) => (parts[name] += text));
    this.finished = this.exited.then((exit) => ({ ...exit, ...parts }));
    // Not every caller waits for the end.
    this.finished.catch(() => undefined);
  }

  /** Sends SIGINT to every process of the group, like Ctrl-C in a terminal. */
  pressCtrlC(): void {
    this.signalGroup('SIGINT');
  }
}

/** Runs a command to its end. After four minutes it is killed, and the result has the signal and the output until then. */
export async function run(
  command: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<Result> {
  const running = new Command(command, args, options);
  const limit = setTimeout(() => running.destroy(), 240_000);
  try {
    return await running.finished;
  } finally {
    clearTimeout(limit);
  }
}
