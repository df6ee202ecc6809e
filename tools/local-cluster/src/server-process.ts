import { WatchedProcess } from '@kvs/protocol/testing';

export interface ServerProcessOptions {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
  /** Called with each line that the process writes. */
  readonly onLine?: (line: string) => void;
}

/** A process of a kvs server. */
export class ServerProcess extends WatchedProcess {
  readonly name: string;

  constructor({ name, script, args, environment, onLine }: ServerProcessOptions) {
    super(process.execPath, [...NODE_FLAGS, script, ...args], {
      environment: { KVS_LOG_LEVEL: logLevel(), ...environment },
      onLine,
    });
    this.name = name;
  }

  /** Resolves with its origin, `http://host:port`, when it listens. Rejects if it ends before. */
  get ready(): Promise<string> {
    return this.#firstIn(/listening on (http:\/\/[^\s"]+)/);
  }

  /** Resolves with the port for Redis clients when it listens there. Rejects if it ends before. */
  get redisPort(): Promise<number> {
    return this.#firstIn(/listening on redis:\/\/[^\s"]+:(\d+)/).then(Number);
  }

  async #firstIn(pattern: RegExp): Promise<string> {
    const [, found = ''] = await this.until(pattern);
    return found;
  }
}

/** Returns a level at which a server logs that it listens. */
function logLevel(): string {
  const level = process.env['KVS_LOG_LEVEL'] ?? '';
  return ['debug', 'trace'].includes(level) ? level : 'info';
}

/** As `nx serve` has them. docs/configuration.md says what they do. */
export const NODE_FLAGS = [
  '--enable-source-maps',
  '--max-semi-space-size=64',
  '--initial-old-space-size=128',
];
