import { hasRedis } from '@kvs-tools/local-cluster';

/**
 * Calls `describe` if redis-server is on the PATH. It is no package of npm, so a fresh clone may lack it: then the tests are
 * skipped with a message. CI requires them, and there they run and fail.
 */
export function describeWithRedis(name: string, body: () => void): void {
  if (hasRedis() || process.env['KVS_REQUIRE_TOOLS'] === '1') describe(name, body);
  else describe.skip(`${name} (skipped: redis-server is not on the PATH)`, body);
}
