import { spawn, type ChildProcess } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';

/** How a process ended: with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WatchedProcessOptions {
  /** Default: the working directory of this process. */
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Whether the process leads a process group of its own, like a command in a terminal. */
  readonly detached?: boolean;
  /** Called with each line that the process writes. */
  readonly onLine?: (line: string) => void;
}

/**
 * A child process and the lines that it has written. If it still runs when this process exits, it is destroyed; in this
 * workspace's Jest, when the test file that started it has ended. If a signal ends this process, the child goes on.
 */
export class WatchedProcess {
  /** Those of stdout and stderr. */
  readonly lines: string[] = [];
  /** Resolves when the process has ended and its output has been read. Rejects if it could not be started. */
  readonly exited: Promise<Exit>;
  protected readonly child: ChildProcess;
  readonly #leadsGroup: boolean;
  /** The searches of {@link until} that have found nothing yet. */
  readonly #searches = new Set<() => void>();

  constructor(
    command: string,
    args: readonly string[],
    { cwd, environment, detached = false, onLine }: WatchedProcessOptions = {},
  ) {
    this.child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
    });
    this.#leadsGroup = detached;
    running.add(this);
    for (const input of [this.child.stdout, this.child.stderr]) {
      if (input === null) continue;
      createInterface({ input }).on('line', (line) => {
        this.lines.push(line);
        onLine?.(line);
        for (const search of this.#searches) search();
      });
    }
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      // `close` comes after the last output, unlike `exit`.
      this.child.once('close', (code, signal) => {
        running.delete(this);
        resolve({ code, signal });
      });
    });
    // Not every caller waits for the end.
    this.exited.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /**
   * Resolves with the first match in the lines as soon as there is one.
   *
   * @throws Error if the process ends before, or could not be started
   */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const search = (): void => {
        const match = pattern.exec(this.lines.join('\n'));
        if (match === null) return;
        this.#searches.delete(search);
        resolve(match);
      };
      this.#searches.add(search);
      search();
      this.exited.then(({ code, signal }) => {
        const output = this.lines.join('\n');
        reject(new Error(`${this.child.spawnfile} ended (${signal ?? code}) without ${pattern}:\n${output}`));
      }, reject);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal and waits until the process has ended. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }

  /** Kills the process, and the remaining processes of its group if it has one of its own, for clean-up. */
  destroy(): void {
    if (this.#leadsGroup) this.signalGroup('SIGKILL');
    else this.signal('SIGKILL');
  }

  /** Sends a signal to every process of the group of its own. */
  protected signalGroup(signal: NodeJS.Signals): void {
    try {
      if (this.pid !== undefined) process.kill(-this.pid, signal);
    } catch {
      // no process is left
    }
  }
}

/** All processes share the listeners, because Node warns about many. */
const running = new Set<WatchedProcess>();
const events: EventEmitter = process;
for (const event of ['exit', 'testFileEnd']) {
  events.on(event, () => {
    for (const child of running) child.destroy();
  });
}
