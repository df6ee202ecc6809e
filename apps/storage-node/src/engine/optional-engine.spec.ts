import { optionalEngine } from './optional-engine.js';

const redis = (settings: object) =>
  optionalEngine('@kvs/kv-store-redis', 'redisEngine', {
    urls: ['redis://localhost'],
    prefix: 'kvs',
    waitReplicas: 0,
    ...settings,
  });

it.each([
  ['no URL', { urls: [] }],
  ['a URL of another kind', { urls: ['http://localhost'] }],
  ['a path that is no database', { urls: ['redis://localhost/mydb'] }],
  ['a percent sign that stands for nothing', { urls: ['redis://:50%@localhost'] }],
  ['braces, which would choose the slot of every key', { prefix: '{app}' }],
  ['an empty prefix', { prefix: '' }],
])('settings that the engine refuses are bad arguments: %s', async (_, settings) => {
  await expect(redis(settings)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/ \(see --help\)$/),
  });
});

it.each(['redis', 'rediss', 'valkey', 'valkeys'])('a URL of %s:// gives a factory', async (scheme) => {
  expect(await redis({ urls: [`${scheme}://localhost`] })).toBeInstanceOf(Function);
});

it('an engine of another name is none', async () => {
  await expect(optionalEngine('@kvs/kv-store-redis', 'lmdbEngine', {})).rejects.toMatchObject({
    exitCode: 1,
    message: 'the package @kvs/kv-store-redis has no lmdbEngine: it is of another version',
  });
});
