import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a process ended: with a code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerProcessOptions {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Called with each line that the process writes. */
  readonly onLine?: (line: string) => void;
}

/** A process of a kvs server. */
export class ServerProcess {
  readonly name: string;
  /** Resolves when the process has ended. */
  readonly exited: Promise<Exit>;
  /** Resolves with its origin, `http://host:port`, when it listens. Rejects if it ends before. */
  readonly ready: Promise<string>;
  /** Resolves with the port for Redis clients when it listens there. Rejects if it ends before. */
  readonly redisPort: Promise<number>;
  readonly #child: ChildProcess;

  constructor({ name, script, args, environment, onLine }: ServerProcessOptions) {
    this.name = name;
    this.#child = spawn(process.execPath, [...NODE_FLAGS, script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, KVS_LOG_LEVEL: logLevel(), ...environment },
    });
    running.add(this.#child);
    this.#child.once('close', () => running.delete(this.#child));
    const { stdout, stderr } = this.#child;
    const written: string[] = [];
    // `close` comes after the last output, unlike `exit`.
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
    const seekers: ((line: string) => void)[] = [(line) => written.push(line), (line) => onLine?.(line)];
    for (const stream of [stdout, stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => seekers.forEach((seek) => seek(line)));
    const find = (pattern: RegExp): Promise<string> =>
      new Promise((resolve, reject) => {
        seekers.push((line) => {
          const found = pattern.exec(line)?.[1];
          if (found !== undefined) resolve(found);
        });
        void this.exited.then(({ code, signal }) => {
          reject(new Error(`${name} ended (${signal ?? code}) before it listened: ${written.join('\n')}`));
        });
      });
    this.ready = find(LISTENING);
    this.redisPort = find(LISTENING_FOR_REDIS).then(Number);
    // A caller may await only `exited`.
    for (const promise of [this.ready, this.redisPort]) promise.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits until the process has ended. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }
}

/** Returns a level at which a server logs that it listens. */
function logLevel(): string {
  const level = process.env['KVS_LOG_LEVEL'] ?? '';
  return ['debug', 'trace'].includes(level) ? level : 'info';
}

const LISTENING = /listening on (http:\/\/[^\s"]+)/;
const LISTENING_FOR_REDIS = /listening on redis:\/\/[^\s"]+:(\d+)/;

/** As `nx serve` has them. A larger young generation is collected less often: large batches are faster. */
const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=64'];

/** All processes share one exit listener, because Node warns about many listeners. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
