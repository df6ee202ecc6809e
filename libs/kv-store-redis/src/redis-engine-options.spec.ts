import { redisEngine } from './redis-engine.js';
import { settingsOf } from './redis-engine-options.js';

describe('the options of a Redis engine', () => {
  it('take apart a URL', () => {
    const { servers, access } = settingsOf({ urls: ['rediss://me:a%40b@[::1]:7000', 'rediss://two'] });
    expect(servers).toEqual([
      { host: '::1', port: 7000 },
      { host: 'two', port: 6379 },
    ]);
    expect(access).toEqual({ username: 'me', password: 'a@b', database: 0, tls: {} });
  });

  it('take the password of the URL before any other', () => {
    const passwordOf = (url: string) => settingsOf({ urls: [url], password: 'given' }).access.password;
    expect([passwordOf('redis://:own@host'), passwordOf('redis://host')]).toEqual(['own', 'given']);
  });

  it.each([
    ['redis://host/3', 3],
    ['redis://host?db=3', 3],
    ['redis://host/3?db=3', 3],
    ['redis://host/', 0],
  ])('take the database of %s', (url, database) => {
    expect(settingsOf({ urls: [url] }).access.database).toBe(database);
  });

  it.each([
    ['no URL', { urls: [] }],
    ['a URL of another kind', { urls: ['http://localhost'] }],
    ['a database that is no number', { urls: ['redis://localhost/mydb'] }],
    ['two databases', { urls: ['redis://localhost/1?db=2'] }],
    ['a database of a Cluster', { urls: ['redis://localhost/1', 'redis://two/1'] }],
    ['an unknown parameter', { urls: ['redis://localhost?family=6'] }],
    ['a fragment', { urls: ['redis://localhost#1'] }],
    ['port 0', { urls: ['redis://localhost:0'] }],
    ['a percent sign that stands for nothing', { urls: ['redis://:100%secret@localhost'] }],
    ['another password for a second server', { urls: ['redis://:one@localhost', 'redis://:other@two'] }],
    ['another user for a second server', { urls: ['redis://one@localhost', 'redis://other@two'] }],
    ['a database for a second server', { urls: ['redis://localhost', 'redis://two/1'] }],
    ['TLS for one of two servers', { urls: ['redis://localhost', 'rediss://two'] }],
    ['a brace in the prefix', { urls: ['redis://localhost'], prefix: 'a{b}' }],
    ['less than no replicas', { urls: ['redis://localhost'], waitReplicas: -1 }],
    ['no time', { urls: ['redis://localhost'], timeoutMs: 0 }],
    ['a wait beyond the timeout', { urls: ['redis://localhost'], timeoutMs: 10, waitTimeoutMs: 6 }],
  ])('refuse %s at once', (_, options) => {
    const error = thrownBy(() => redisEngine(options));
    expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    expect(String(error)).not.toContain('secret');
  });

  it.each([
    ['redis', undefined],
    ['valkey', undefined],
    ['rediss', {}],
    ['valkeys', {}],
  ])('use TLS as a URL of %s:// says', (scheme, tls) => {
    expect(settingsOf({ urls: [`${scheme}://localhost`] }).access.tls).toEqual(tls);
  });

  it.each([
    'redis://user:secret@host:port',
    'http://user:secret@localhost',
    'http://:secret@localhost',
    'redis//:secret@localhost',
  ])('never repeat the password of %s in an error', (url) => {
    expect(() => redisEngine({ urls: [url] })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
