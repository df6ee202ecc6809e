import { DEFAULT_LIMITS } from '@kvs/protocol';
import { Option } from 'commander';
import {
  milliseconds,
  packageVersion,
  parseAddress,
  parseHost,
  parsePort,
  serverCommand,
  serverSettings,
  wholeNumber,
  type ServerOptions,
} from './command-line.js';

const NUMBERS: Record<string, string> = {
  maxKeyBytes: 'KVS_MAX_KEY_BYTES',
  maxValueBytes: 'KVS_MAX_VALUE_BYTES',
  maxBatchItems: 'KVS_MAX_BATCH_ITEMS',
  maxBodyBytes: 'KVS_MAX_BODY_BYTES',
  maxAnswerBytes: 'KVS_MAX_ANSWER_BYTES',
  maxInFlightRequests: 'KVS_MAX_IN_FLIGHT_REQUESTS',
  maxInFlightBytes: 'KVS_MAX_IN_FLIGHT_BYTES',
  shutdownTimeoutMs: 'KVS_SHUTDOWN_TIMEOUT_MS',
};

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

const parse = (...argv: string[]) =>
  serverCommand('test', '1.2.3', 'a test')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .parse(argv, { from: 'user' })
    .opts<ServerOptions>();

describe('a port', () => {
  it.each([
    ['0', 0],
    ['80', 80],
    ['65535', 65_535],
  ])('may be %s', (text, port) => {
    expect(parsePort(text)).toBe(port);
  });

  it.each(['', '65536', '99999', '100000', '-1', '1.5', '0x50', ' 80', 'http'])('is not %j', (text) => {
    expect(() => parsePort(text)).toThrow('A port is a whole number from 0 to 65535.');
  });
});

describe('an address', () => {
  it.each([
    ['localhost:3000', 'localhost:3000'],
    ['Node_1.Example.COM:1', 'node_1.example.com:1'],
    ['127.0.0.1:65535', '127.0.0.1:65535'],
    ['[::1]:3000', '[::1]:3000'],
    ['[2001:DB8::1]:03000', '[2001:db8::1]:3000'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1]:80'],
    ['127.1:80', '127.0.0.1:80'],
  ])('%s is %s', (text, address) => {
    expect(parseAddress(text)).toBe(address);
  });

  it.each([
    '',
    'localhost',
    ':3000',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    '::1:3000',
    'a b:1',
    'a:1/',
    'http://a:1',
    'a:1:2',
    '[zz]:1',
    '[::::]:1',
    '999.1.1.1:1',
  ])('%j is none', (text) => {
    expect(() => parseAddress(text)).toThrow('A node is given as host:port');
  });
});

describe('a host', () => {
  it.each([
    ['localhost', 'localhost'],
    ['node_1.example', 'node_1.example'],
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
  ])('%s is listened on as %s', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });

  it.each(['', 'localhost:3000', '[localhost]', '[::1]:3000', '[::1', 'http://localhost', 'a b'])(
    '%j is none',
    (text) => {
      expect(() => parseHost(text)).toThrow('A host is a name or an address without a port');
    },
  );
});

describe('allowed hosts and origins', () => {
  const allowed = (...argv: string[]) => {
    const { allowHosts, allowOrigins } = serverSettings(parse(...argv));
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
  ])('%s %s says what is meant', (option, text, message) => {
    expect(() => allowed(option, text)).toThrow(message);
  });
});

describe('a whole number', () => {
  const read = (text: string, option = wholeNumber('n', 'a number', 5)) => option.parseArg?.(text, undefined);

  it.each([
    ['1', 1],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('may be %s', (text, number) => {
    expect(read(text)).toBe(number);
  });

  it.each(['', '0', '-1', '1.5', '1e3', 'many', '9007199254740992'])('is not %j', (text) => {
    expect(() => read(text)).toThrow('It must be a positive whole number.');
  });

  it('of milliseconds is at most what a timer can take', () => {
    expect(read('2147483647', milliseconds('n', 'a time', 5))).toBe(2_147_483_647);
    expect(() => read('2147483648', milliseconds('n', 'a time', 5))).toThrow('at most 2147483647');
  });
});

describe('the settings of a server', () => {
  it('have defaults', () => {
    expect(serverSettings(parse())).toEqual({
      limits: DEFAULT_LIMITS,
      maxInFlightRequests: 4096,
      maxInFlightBytes: 256 * 1024 * 1024,
      headersTimeoutMs: 60_000,
      bodyTimeoutMs: 30_000,
      minBodyRate: 1000,
      answerTimeoutMs: 60_000,
      shutdownTimeoutMs: 10_000,
      allowHosts: [],
      allowOrigins: [],
      fastLane: true,
      logLevel: 'info',
      logFormat: 'auto',
    });
  });

  it.each(Object.entries(NUMBERS))(
    'take %s from the environment, unless it is an argument',
    (name, variable) => {
      process.env[variable] = '7';
      expect(parse()).toMatchObject({ [name]: 7 });
      const flag = `--${variable.slice('KVS_'.length).toLowerCase().replaceAll('_', '-')}`;
      expect(parse(flag, '8')).toMatchObject({ [name]: 8 });
    },
  );

  it('take the log level and format from the environment or arguments', () => {
    process.env['KVS_LOG_LEVEL'] = 'debug';
    expect(parse('--log-format', 'json')).toMatchObject({ logLevel: 'debug', logFormat: 'json' });
  });

  it.each(Object.values(NUMBERS))('are refused when %s is no positive whole number', (variable) => {
    process.env[variable] = 'x';
    expect(() => parse()).toThrow(`value 'x' from env '${variable}' is invalid`);
  });

  it.each([['--log-level', 'loud'], ['--log-format', 'xml'], ['--unknown'], ['word']])(
    'are not %s %s',
    (...argv) => {
      expect(() => parse(...argv.filter((word) => word !== undefined))).toThrow('error:');
    },
  );
});

it('the version is that of the package', () => {
  expect(packageVersion(new URL('..', import.meta.url).href)).toMatch(/^\d+\.\d+\.\d+/);
  expect(() => packageVersion('file:///nowhere/src/main.js')).toThrow('ENOENT');
});

describe('a variable of a flag', () => {
  const parseFlags = (variables: Record<string, string>, ...argv: string[]) => {
    Object.assign(process.env, variables);
    return serverCommand('test', '1.2.3', 'a test')
      .addOption(new Option('--loud').env('TEST_LOUD'))
      .addOption(new Option('--no-lane').env('TEST_NO_LANE'))
      .action(() => undefined)
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .parse(argv, { from: 'user' })
      .opts<{ loud?: boolean; lane: boolean }>();
  };

  it.each(['true', '1', 'TRUE'])('says yes with %s', (text) => {
    expect(parseFlags({ TEST_LOUD: text, TEST_NO_LANE: text })).toMatchObject({ loud: true, lane: false });
  });

  it.each(['false', '0', ''])('says no with %j', (text) => {
    expect(parseFlags({ TEST_LOUD: text, TEST_NO_LANE: text })).toMatchObject({ loud: false, lane: true });
  });

  it('gives way to the command line', () => {
    const flags = parseFlags({ TEST_LOUD: 'false', TEST_NO_LANE: '0' }, '--loud', '--no-lane');
    expect(flags).toMatchObject({ loud: true, lane: false });
  });

  it('says nothing else', () => {
    expect(() => parseFlags({ TEST_LOUD: 'yes please' })).toThrow(
      'TEST_LOUD is true or false, not "yes please"',
    );
  });
});
