import { spawnSync } from 'node:child_process';

/**
 * `describe` if redis-server is on the PATH. Otherwise the tests are skipped with a message, unless the environment
 * requires them: then they run and fail.
 */
export function describeWithRedis(name: string, body: () => void): void {
  if (hasRedis() || process.env['KVS_REQUIRE_TOOLS'] === '1') describe(name, body);
  else describe.skip(`${name} (skipped: redis-server is not on the PATH)`, body);
}

function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}
