import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { workspaceRoot } from './scripts.js';

export interface Result {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Default: the root of the workspace. */
  readonly cwd?: string;
}

/** A running command in a process group of its own, like one in a terminal. */
export class Command {
  /** Rejects if the command could not be started. */
  readonly finished: Promise<Result>;
  readonly #child: ChildProcess;
  #output = '';
  #hasEnded = false;
  readonly #waiting = new Set<() => void>();

  constructor(
    command: string,
    args: readonly string[],
    { environment, cwd = workspaceRoot }: CommandOptions = {},
  ) {
    this.#child = spawn(command, args, {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const parts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        parts[name] += text;
        this.#output += text;
        for (const wake of this.#waiting) wake();
      });
    }
    this.finished = new Promise<Result>((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => resolve({ code, signal, ...parts }));
    }).finally(() => {
      this.#hasEnded = true;
      for (const wake of this.#waiting) wake();
    });
    // Not everybody waits for the end.
    this.finished.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves with the match once the output has one. Rejects if the command ends before, or could not be started. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match) return match;
      if (this.#hasEnded) {
        await this.finished;
        throw new Error(`the command ended without ${pattern}:\n${this.#output}`);
      }
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
      this.#waiting.clear();
    }
  }

  /** Sends SIGINT to every process of the group, like Ctrl-C in a terminal. */
  pressCtrlC(): void {
    this.#signalGroup('SIGINT');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills the remaining processes of the group, for clean-up. */
  destroy(): void {
    this.#signalGroup('SIGKILL');
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, signal);
    } catch {
      // no process is left
    }
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

/**
 * Returns the first of `count` consecutive ports that were free a moment ago. No system gives them to clients: those have the
 * ports from 32768 at Linux, from 49152 elsewhere.
 */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const base = randomInt(15_000, 32_768 - count);
    const ports = Array.from({ length: count }, (_, i) => base + i);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, 'localhost', () => server.close(() => resolve(true)));
  });
}
