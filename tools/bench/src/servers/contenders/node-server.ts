import { fileURLToPath } from 'node:url';
import { ServerProcess } from '@kvs-tools/local-cluster';
import type { Contender, RunningContender } from './contender.js';
import { kvsDialect } from './dialect.js';

/** One process that runs a script of `children`, which says where it listens. */
export function nodeServer(name: string, script: string, args: readonly string[] = []): Contender {
  return {
    name,
    start: async (): Promise<RunningContender> => {
      // As built: the tests, which run the sources, have it there too.
      const path = fileURLToPath(new URL(`../../../dist/servers/children/${script}.js`, import.meta.url));
      const process = new ServerProcess({ name, script: path, args });
      const origin = await process.ready;
      return {
        name,
        origin,
        dialect: kvsDialect,
        processes: [{ role: 'server', pid: pidOf(process) }],
        stop: async () => void (await process.stop('SIGKILL')),
      };
    },
  };
}

/** @throws TypeError for a process that never started */
export function pidOf({ name, pid }: ServerProcess): number {
  if (pid === undefined) throw new TypeError(`${name} has not started`);
  return pid;
}
