import { Command } from './command.js';

it('finishes with all of its output', async () => {
  const command = new Command('sh', ['-c', 'echo first; echo second; printf third >&2']);
  expect(await command.finished).toEqual({
    code: 0,
    signal: null,
    stdout: 'first\nsecond\n',
    stderr: 'third',
  });
});

it('rejects if the command cannot be started', async () => {
  await expect(new Command('/no/such/command', []).finished).rejects.toThrow('ENOENT');
});
