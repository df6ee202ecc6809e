import { Command } from './command.js';

it('waits for an output, and finishes with all of it', async () => {
  const command = new Command('sh', ['-c', 'echo first; echo second']);
  expect((await command.until(/sec\w+/))[0]).toBe('second');
  expect(await command.finished).toEqual({ code: 0, signal: null, stdout: 'first\nsecond\n', stderr: '' });
});

it('rejects if the command ends without the output', async () => {
  const command = new Command('sh', ['-c', 'echo first']);
  await expect(command.until(/second/)).rejects.toThrow('the command ended without /second/:\nfirst\n');
});

it('rejects if the command cannot be started', async () => {
  const command = new Command('/no/such/command', []);
  await expect(command.until(/first/)).rejects.toThrow('ENOENT');
  await expect(command.finished).rejects.toThrow('ENOENT');
});
