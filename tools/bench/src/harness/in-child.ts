import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Runs a script, such as `engines/children/hold-pairs`, in a process of its own, and returns the JSON that it prints. Its lines on
 * stderr are shown.
 */
export async function inChild<Output>(
  script: string,
  input: unknown,
  nodeOptions: readonly string[] = [],
): Promise<Output> {
  // As built: the tests, which run the sources, find it there too.
  const path = fileURLToPath(new URL(`../../dist/${script}.js`, import.meta.url));
  const running = promisify(execFile)(process.execPath, [...nodeOptions, path, JSON.stringify(input)], {
    maxBuffer: Infinity,
    timeout: MAX_MS,
  });
  running.child.stderr?.pipe(process.stderr);
  const { stdout } = await running;
  const output: Output = JSON.parse(stdout);
  return output;
}

/** Returns the input that {@link inChild} was given. */
export function childInput<Input>(): Input {
  const input: Input = JSON.parse(process.argv[2] ?? 'null');
  return input;
}

export function childOutput(output: unknown): void {
  process.stdout.write(JSON.stringify(output));
}

const MAX_MS = 15 * 60_000;
