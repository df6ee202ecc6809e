import { redisEngine } from './redis-engine.js';
import { settingsOf } from './redis-engine-options.js';

describe('the options of a Redis engine', () => {
  it('take apart a URL', () => {
    const { servers, access } = settingsOf({ urls: ['rediss://me:a%40b@[::1]:7000/3', 'rediss://two'] });
    expect(servers).toEqual([
      { host: '::1', port: 7000 },
      { host: 'two', port: 6379 },
    ]);
    expect(access).toEqual({ username: 'me', password: 'a@b', database: 3, tls: {} });
  });

  it.each([
    ['no URL', { urls: [] }],
    ['a URL of another kind', { urls: ['http://localhost'] }],
    ['a brace in the prefix', { urls: ['redis://localhost'], prefix: 'a{b}' }],
    ['less than no replicas', { urls: ['redis://localhost'], waitReplicas: -1 }],
    ['no time', { urls: ['redis://localhost'], timeoutMs: 0 }],
    ['a wait beyond the timeout', { urls: ['redis://localhost'], timeoutMs: 10, waitTimeoutMs: 6 }],
  ])('refuse %s at once', (_, options) => {
    expect(() => redisEngine(options)).toThrow();
  });

  it('never repeat a password in an error', () => {
    expect(() => redisEngine({ urls: ['http://:secret@localhost'] })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});
