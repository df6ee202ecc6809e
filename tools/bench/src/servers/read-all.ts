import { fileURLToPath } from 'node:url';
import { run } from '@kvs-tools/local-cluster';
import type { RunningContender } from './contenders/contender.js';

/**
 * Reads all pairs of a server, in a process of its own, so that it delays no measurement of this one; returns how long it
 * took, in milliseconds.
 *
 * @throws Error when the answer has not as many bytes as it should
 */
export async function readAll({ name, origin }: RunningContender, expectedBytes: number): Promise<number> {
  const script = fileURLToPath(new URL('../../dist/servers/children/read-all.js', import.meta.url));
  const { stdout, stderr } = await run(process.execPath, [script, `${origin}/fetch`]);
  if (stdout === '') throw new Error(`${name} does not answer GET /fetch: ${stderr}`);
  const { status, ms, bytes }: { status: number; ms: number; bytes: number } = JSON.parse(stdout);
  if (status === 200 && bytes === expectedBytes) return ms;
  throw new Error(`${name} answers GET /fetch with ${status} and ${bytes} bytes, not ${expectedBytes}`);
}
