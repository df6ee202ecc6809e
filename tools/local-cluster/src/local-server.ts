import { proxyScript, storageNodeScript } from './scripts.js';
import { ServerProcess } from './server-process.js';

/** Starts a storage node on a free port. */
export function startNode(args: readonly string[] = []): Promise<LocalServer> {
  return LocalServer.start('node', storageNodeScript, (port) => ['localhost', port, ...args]);
}

/** Starts a proxy on a free port. */
export function startProxy(addresses: readonly string[], args: readonly string[] = []): Promise<LocalServer> {
  return LocalServer.start('proxy', proxyScript, (port) => [...addresses, '--port', port, ...args]);
}

/** A proxy or storage node that can be killed and started again at the same address. The caller stops it. */
export class LocalServer {
  /** `http://localhost:port` */
  origin = '';
  #process: ServerProcess | undefined;
  readonly #launch: (port: string) => ServerProcess;

  private constructor(launch: (port: string) => ServerProcess) {
    this.#launch = launch;
  }

  /** @param argsAt returns the arguments with which it listens at a port */
  static async start(
    name: string,
    script: string,
    argsAt: (port: string) => readonly string[],
  ): Promise<LocalServer> {
    const server = new LocalServer((port) => new ServerProcess({ name, script, args: argsAt(port) }));
    await server.#startAt('0');
    return server;
  }

  /** `host:port` */
  get address(): string {
    return new URL(this.origin).host;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new TypeError('the server does not run');
    return pid;
  }

  /** Returns the port for Redis clients. Never resolves if the server has none. */
  redisPort(): Promise<number> {
    if (this.#process === undefined) throw new TypeError('the server does not run');
    return this.#process.redisPort;
  }

  restart(): Promise<void> {
    return this.#startAt(new URL(this.origin).port);
  }

  /** Starts it again, empty, if it was killed. */
  async revive(): Promise<void> {
    if (this.#process === undefined) await this.restart();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }

  /** Sends a signal and waits until the process has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.stop(signal);
  }

  /** Also ends a process that was stopped by SIGSTOP. */
  kill(): Promise<void> {
    return this.stop('SIGKILL');
  }

  async #startAt(port: string): Promise<void> {
    this.#process = this.#launch(port);
    this.origin = await this.#process.ready;
  }
}
