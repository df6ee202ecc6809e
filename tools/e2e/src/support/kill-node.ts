import { run } from '@kvs-tools/local-cluster';

/** Kills the storage node that another process started at this port of localhost. */
export async function killNode(port: number): Promise<void> {
  const { stdout } = await run('pgrep', ['-f', `storage-node/dist/main.js localhost ${port} `]);
  process.kill(Number(stdout.trim()), 'SIGKILL');
}
