import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from '@kvs-tools/local-cluster';

/** A server that is no script of ours, with a directory for its files. Both go when it stops. */
export class CommandServer {
  readonly #killWithUs = (): void => this.command.destroy();

  static async start(
    name: string,
    argsFor: (directory: string) => Promise<readonly string[]> | readonly string[],
  ): Promise<CommandServer> {
    const directory = await mkdtemp(join(tmpdir(), `kvs-bench-${name}-`));
    return new CommandServer(new Command(name, await argsFor(directory)), directory);
  }

  readonly #directory: string;

  private constructor(
    readonly command: Command,
    directory: string,
  ) {
    this.#directory = directory;

    process.once('exit', this.#killWithUs);
  }

  /** @throws TypeError when it could not be started */
  get pid(): number {
    if (this.command.pid === undefined) throw new TypeError('the command has not started');
    return this.command.pid;
  }

  async stop(): Promise<void> {
    process.off('exit', this.#killWithUs);
    this.command.destroy();
    await this.command.finished;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Whether a command is on the PATH, found out without running it. */
export function isInstalled(command: string): boolean {
  return spawnSync('which', [command]).status === 0;
}
