import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '@kvs-tools/local-cluster';
import type { PreparedRequest } from '../requests.js';
import type { Load, LoadOutcome } from './load.js';

/** Returns whether wrk is on the PATH. */
export function hasWrk(): boolean {
  // Without a URL, wrk prints its usage and fails; it was found all the same.
  return spawnSync('wrk', ['--version']).error === undefined;
}

export async function runWrk(load: Load): Promise<LoadOutcome> {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-wrk-'));
  try {
    return await runIn(directory, load);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function runIn(
  directory: string,
  { origin, requests, connections, seconds }: Load,
): Promise<LoadOutcome> {
  const script = join(directory, 'script.lua');
  const requestsFile = join(directory, 'requests');
  const { host } = new URL(origin);
  const texts = requests.map((request) => toHttp(request, host));
  await writeFile(requestsFile, texts.map((text) => `${text.length}\n${text}`).join(''), 'latin1');
  await writeFile(script, SCRIPT);
  const args = ['-t', '1', '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '30s', '-s', script];
  const { code, stdout, stderr } = await run('wrk', [...args, origin, '--', requestsFile]);
  const line = stdout.split('\n').find((each) => each.startsWith(MARK));
  if (code !== 0 || line === undefined) throw new Error(`wrk failed (${code}): ${stdout}${stderr}`);
  const outcome: LoadOutcome = JSON.parse(line.slice(MARK.length));
  return outcome;
}

const MARK = 'outcome ';

/** Returns a request as it is sent. */
function toHttp({ method, path, body }: PreparedRequest, host: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/**
 * Reads the requests, each after its length, and sends them one after the other. It defines no `response`, so wrk passes
 * no answers to Lua and counts statuses above 399 itself.
 */
const SCRIPT = `
local requests = {}
local at = 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  while true do
    local length = file:read('*n')
    if length == nil then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '${MARK}{"requests":%d,"failures":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f}\\n',
    summary.requests, failures, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
`;
