import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/**
 * Runs a script of this directory until it has written `lineCount` lines, and for `micros` microseconds more. Then kills it.
 * @returns the lines that it has written completely
 */
export async function runAndKill(
  script: string,
  args: readonly string[],
  lineCount: number,
  micros: number,
): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.split('\n').length <= lineCount) return;
    for (const until = performance.now() + micros / 1000; performance.now() < until;);
    child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  return output.split('\n').slice(0, -1);
}
