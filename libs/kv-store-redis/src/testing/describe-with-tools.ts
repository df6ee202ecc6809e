import { spawnSync } from 'node:child_process';

/** Returns whether redis-server is on the PATH. */
export function hasRedis(): boolean {
  return missing(['redis-server']).length === 0;
}

/** Calls `describe` if redis-server is on the PATH; see {@link describeWithTools}. */
export function describeWithRedis(name: string, body: () => void): void {
  describeWithTools(['redis-server'], name, body);
}

/**
 * Calls `describe` if these tools of Redis are on the PATH. They are no packages of npm, so a fresh clone may lack them: then the
 * tests are skipped with a message. CI requires them, and there they run and fail.
 */
export function describeWithTools(tools: readonly string[], name: string, body: () => void): void {
  const absent = missing(tools);
  if (absent.length === 0 || process.env['KVS_REQUIRE_TOOLS'] === '1') describe(name, body);
  // The report of a fresh clone shows which tools are missing.
  else describe.skip(`${name} (skipped: not on the PATH: ${absent.join(', ')})`, body);
}

function missing(tools: readonly string[]): string[] {
  return tools.filter((tool) => spawnSync(tool, ['--version']).status !== 0);
}

type Describe = (name: string, body: () => void) => void;

/** That of Jest, whose types this package does not need otherwise. */
declare const describe: Describe & { readonly skip: Describe };
