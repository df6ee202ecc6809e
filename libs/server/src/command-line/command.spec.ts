import { DEFAULT_LIMITS } from '@kvs/protocol';
import { describeOptions, packageVersion, parseCommand } from './command.js';
import { milliseconds, wholeNumber } from './options.js';
import { SERVER_OPTIONS, serverSettings } from './settings.js';

const FLAG = { group: 'Flags', description: 'a flag' };

const COMMAND = {
  name: 'test',
  version: '1.2.3',
  description: 'a test',
  arguments: {},
  options: { ...SERVER_OPTIONS, loud: { ...FLAG, default: false }, fastLane: { ...FLAG, default: true } },
};

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

const parse = (...argv: string[]) => parseCommand(COMMAND, argv).options;

describe('a whole number', () => {
  const read = (text: string, option = wholeNumber(FLAG, 5)) => option.parse?.(text, 5);

  it.each([
    ['1', 1],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('may be %s', (text, number) => {
    expect(read(text)).toBe(number);
  });

  it.each(['', '0', '-1', '1.5', '1e3', 'many', '9007199254740992'])('is not %j', (text) => {
    expect(() => read(text)).toThrow('It must be a whole number of at least 1.');
  });

  it('of milliseconds is at most what a timer can take', () => {
    expect(read('2147000000', milliseconds('n', 'a time', 5))).toBe(2_147_000_000);
    expect(() => read('2147000001', milliseconds('n', 'a time', 5))).toThrow('from 1 to 2147000000');
  });
});

describe('the settings of a server', () => {
  it('have defaults', () => {
    expect(serverSettings(parse())).toMatchObject({
      limits: DEFAULT_LIMITS,
      maxInFlightRequests: 4096,
      maxInFlightBytes: 256 * 1024 * 1024,
      shutdownTimeoutMs: 10_000,
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
      expect(() => parse(...argv.filter((word) => word !== undefined))).toThrow('(see --help)');
    },
  );
});

it('the version is that of the package', () => {
  expect(packageVersion(new URL('..', import.meta.url).href)).toMatch(/^\d+\.\d+\.\d+/);
  expect(() => packageVersion('file:///nowhere/src/main.js')).toThrow('ENOENT');
});

it('options are described as the documentation shows them', () => {
  const described = describeOptions(COMMAND.options);
  expect(described.find(({ name }) => name === 'maxKeyBytes')).toEqual({
    name: 'maxKeyBytes',
    flag: '--max-key-bytes',
    value: 'number',
    variable: 'KVS_MAX_KEY_BYTES',
    group: 'Limits of one request',
    description: 'largest key',
    unit: 'bytes',
    default: '4096',
  });
  expect(described.find(({ name }) => name === 'fastLane')).toMatchObject({
    flag: '--no-fast-lane',
    value: undefined,
    variable: 'KVS_NO_FAST_LANE',
    default: undefined,
  });
});

describe('the variable of a flag', () => {
  const parseFlags = (text: string, ...argv: string[]) => {
    Object.assign(process.env, { KVS_LOUD: text, KVS_NO_FAST_LANE: text });
    return parse(...argv);
  };

  it.each(['true', '1', 'TRUE'])('turns it on with %s', (text) => {
    expect(parseFlags(text)).toMatchObject({ loud: true, fastLane: false });
  });

  it.each(['false', '0', ''])('leaves it off with %j', (text) => {
    const { loud, fastLane } = parseFlags(text);
    expect([loud, fastLane]).toEqual([false, true]);
  });

  it('gives way to the command line', () => {
    expect(parseFlags('false', '--loud', '--no-fast-lane')).toMatchObject({ loud: true, fastLane: false });
  });

  it('has no other text', () => {
    expect(() => parseFlags('yes please')).toThrow('KVS_LOUD is true or false, not "yes please"');
  });
});
