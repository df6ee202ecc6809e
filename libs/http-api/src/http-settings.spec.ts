import { parseCommand } from '@kvs/server';
import { HTTP_OPTIONS, httpSettings } from './http-settings.js';

const COMMAND = {
  name: 'test',
  version: '1.2.3',
  description: 'a test',
  arguments: {},
  options: HTTP_OPTIONS,
};
const settings = (...argv: string[]) => httpSettings(parseCommand(COMMAND, argv).options);

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

it('the settings of HTTP have defaults', () => {
  expect(settings()).toMatchObject({
    headersTimeoutMs: 60_000,
    bodyTimeoutMs: 30_000,
    minBodyRate: 1000,
    answerTimeoutMs: 60_000,
    allowHosts: [],
    allowOrigins: [],
    fastLane: true,
  });
});

it('--no-fast-lane turns the fast path off', () => {
  expect(settings('--no-fast-lane').fastLane).toBe(false);
  process.env['KVS_NO_FAST_LANE'] = 'true';
  expect(settings().fastLane).toBe(false);
});

describe('allowed hosts and origins', () => {
  const allowed = (...argv: string[]) => {
    const { allowHosts, allowOrigins } = settings(...argv);
    return [...allowHosts, ...allowOrigins];
  };

  it('may be given several times, several at once, and as a variable', () => {
    expect(allowed('--allow-host', 'a,b', '--allow-host', 'c')).toEqual(['a', 'b', 'c']);
    process.env['KVS_ALLOW_ORIGIN'] = 'http://a, http://b';
    expect(allowed()).toEqual(['http://a', 'http://b']);
    expect(allowed('--allow-origin', 'http://c')).toEqual(['http://c']);
  });

  it.each([
    ['--allow-host', 'KVS.Example.', 'kvs.example'],
    ['--allow-host', '[0:0::1]', '[::1]'],
    ['--allow-host', '*', '*'],
    ['--allow-origin', 'HTTPS://App.example:443', 'https://app.example'],
    ['--allow-origin', 'http://localhost:5173', 'http://localhost:5173'],
    ['--allow-origin', 'chrome-extension://abc', 'chrome-extension://abc'],
    ['--allow-origin', 'null', 'null'],
    ['--allow-origin', '*', '*'],
  ])('%s %s is known as browsers spell it: %s', (option, text, known) => {
    expect(allowed(option, text)).toEqual([known]);
  });

  it.each([
    ['--allow-host', 'kvs.example:80', 'A host is a name or an address without a port'],
    ['--allow-host', '*.kvs.example', 'A host is a name or an address without a port'],
    ['--allow-host', 'https://kvs.example', 'A host is a name or an address without a port'],
    ['--allow-origin', 'app.example', 'An origin is a scheme, a host and'],
    ['--allow-origin', 'https://app.example/', 'An origin is a scheme, a host and'],
    ['--allow-origin', 'https://a:b', 'An origin is a scheme, a host and'],
    ['--allow-origin', 'https://*.example', 'An origin is a scheme, a host and'],
  ])('%s %s is refused with an explanation', (option, text, message) => {
    expect(() => allowed(option, text)).toThrow(message);
  });
});
