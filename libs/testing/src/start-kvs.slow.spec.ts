import { spawn } from 'node:child_process';
import { once } from 'node:events';

const SCRIPT = `
  const { startKvs } = await import('@kvs/testing');
  const kvs = await startKvs({ args: ['--log-level', 'info'] });
  await fetch(kvs.url + '/keys/a', { method: 'PUT', body: 'b' });
`;

it.each([
  ['was closed', `${SCRIPT} await kvs.close(); console.log('closed');`, /"listening on http[^]*closed\n$/],
  ['is still open', SCRIPT, /"listening on http/],
])('a process whose node %s ends by itself, and has the log of the node', async (_, text, expected) => {
  const script = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 60_000,
  });
  let output = '';
  script.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code]: unknown[] = await once(script, 'close');
  expect([code, output]).toEqual([0, expect.stringMatching(expected)]);
});
