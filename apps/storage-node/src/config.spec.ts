import { readConfig } from './config.js';

it('a host and a port are two words', () => {
  expect(readConfig(['localhost', '3000'])).toMatchObject({ host: 'localhost', port: 3000 });
  expect(readConfig(['::', '0', '--max-batch-items', '5'])).toMatchObject({
    host: '::',
    port: 0,
    limits: { maxBatchItems: 5 },
  });
});
