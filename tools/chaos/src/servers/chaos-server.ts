import { proxyScript, ServerProcess, storageNodeScript } from '@kvs-tools/local-cluster';
import type { Relay } from '../network/relay.js';

export interface ChaosServerOptions {
  readonly name: string;
  readonly app: 'proxy' | 'storage-node';
  readonly args: readonly string[];
  /** The relay in front of it. */
  readonly relay: Relay;
  readonly onLine: (server: string, line: string) => void;
}

/** A proxy or node that can be killed and started again. Others reach it at the same address, its relay, all the time. */
export class ChaosServer {
  /** Where the process itself listens, or listened last. */
  origin = '';
  readonly #options: ChaosServerOptions;
  #process: ServerProcess | undefined;

  constructor(options: ChaosServerOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** The URL by which others know it. */
  get url(): string {
    return `http://${this.#options.relay.address}`;
  }

  /** Resolves when the process listens. */
  async start(): Promise<void> {
    const { name, app, args, relay, onLine } = this.#options;
    this.#process = new ServerProcess({
      name,
      script: app === 'proxy' ? proxyScript : storageNodeScript,
      args,
      onLine: (line) => onLine(name, line),
    });
    this.origin = await this.#process.ready;
    relay.target = Number(new URL(this.origin).port);
  }

  /** Ends the process and waits until it has ended. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.stop(signal);
    this.#options.relay.target = undefined;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.signal(signal);
  }
}
