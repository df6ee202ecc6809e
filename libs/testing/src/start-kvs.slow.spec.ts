import { spawn } from 'node:child_process';
import { once } from 'node:events';

const SCRIPT = `
  const { startKvs } = await import('@kvs/testing');
  const kvs = await startKvs();
  await fetch(kvs.url + '/keys/a', { method: 'PUT', body: 'b' });
  await kvs.close();
  console.log('closed');
`;

it('a process with a node ends by itself after it was closed', async () => {
  const script = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let output = '';
  for (const stream of [script.stdout, script.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code]: unknown[] = await once(script, 'close');
  expect([code, output]).toEqual([0, 'closed\n']);
});
