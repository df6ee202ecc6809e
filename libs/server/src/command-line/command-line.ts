import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { DEFAULT_LIMITS, isRecord } from '@kvs/protocol';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { canonicalHost } from './host-names.js';
import { usageError } from './start-error.js';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel, type ServerSettings } from './settings.js';

/**
 * A command with the options that both apps share. Each option can also be given as an environment variable,
 * `KVS_` and its name.
 */
export function serverCommand(name: string, version: string, description: string): Command {
  const { maxKeyBytes, maxValueBytes, maxBatchItems, maxBodyBytes, maxAnswerBytes } = DEFAULT_LIMITS;
  return new Command(name)
    .description(description)
    .version(version)
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .hook('preAction', readFlagVariables)
    .addOption(wholeNumber('max-key-bytes', 'largest key', maxKeyBytes))
    .addOption(wholeNumber('max-value-bytes', 'largest value', maxValueBytes))
    .addOption(wholeNumber('max-batch-items', 'most items in a batch', maxBatchItems))
    .addOption(wholeNumber('max-body-bytes', 'largest request body', maxBodyBytes))
    .addOption(wholeNumber('max-answer-bytes', 'largest answer to POST /fetch', maxAnswerBytes))
    .addOption(wholeNumber('max-in-flight-requests', 'most requests at once', 4096))
    .addOption(
      wholeNumber('max-in-flight-bytes', 'most bytes of bodies, and of unread answers', 256 * 1024 * 1024),
    )
    .addOption(milliseconds('headers-timeout-ms', 'longest wait for the headers of a request', 60_000))
    .addOption(milliseconds('body-timeout-ms', 'longest wait for the next bytes of a body', 30_000))
    .addOption(wholeNumber('min-body-rate', 'lowest sustained speed of a body, in bytes per second', 1000))
    .addOption(milliseconds('answer-timeout-ms', 'longest wait for a client to read on', 60_000))
    .addOption(milliseconds('shutdown-timeout-ms', 'wait for requests under way at shutdown', 10_000))
    .addOption(several('allow-host <name>', 'serve this host name too, or * for all', parseAllowedHost))
    .addOption(
      several(
        'allow-origin <origin>',
        'let web pages of this origin use the server, or * for all',
        parseOrigin,
      ),
    )
    .addOption(setting('no-fast-lane', 'answer the hot routes through Express too'))
    .addOption(setting('log-level <level>', 'least level that is logged').choices(LOG_LEVELS).default('info'))
    .addOption(
      setting('log-format <format>', 'auto is text on a terminal, else JSON')
        .choices(LOG_FORMATS)
        .default('auto'),
    );
}

/** The shared options after parsing, as commander names them. */
export interface ServerOptions {
  maxKeyBytes: number;
  maxValueBytes: number;
  maxBatchItems: number;
  maxBodyBytes: number;
  maxAnswerBytes: number;
  maxInFlightRequests: number;
  maxInFlightBytes: number;
  headersTimeoutMs: number;
  bodyTimeoutMs: number;
  minBodyRate: number;
  answerTimeoutMs: number;
  shutdownTimeoutMs: number;
  allowHost?: string[];
  allowOrigin?: string[];
  fastLane: boolean;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

export function serverSettings(options: ServerOptions): ServerSettings {
  const { maxKeyBytes, maxValueBytes, maxBatchItems, maxBodyBytes, maxAnswerBytes, ...rest } = options;
  const { maxInFlightRequests, maxInFlightBytes, shutdownTimeoutMs, fastLane, logLevel, logFormat } = rest;
  const { allowHost: allowHosts = [], allowOrigin: allowOrigins = [] } = rest;
  const { headersTimeoutMs, bodyTimeoutMs, minBodyRate, answerTimeoutMs } = rest;
  return {
    limits: { maxKeyBytes, maxValueBytes, maxBatchItems, maxBodyBytes, maxAnswerBytes },
    maxInFlightRequests,
    maxInFlightBytes,
    headersTimeoutMs,
    bodyTimeoutMs,
    minBodyRate,
    answerTimeoutMs,
    shutdownTimeoutMs,
    allowHosts,
    allowOrigins,
    fastLane,
    logLevel,
    logFormat,
  };
}

/**
 * Parses `argv` (without node and the script). `--help` and `--version` print and exit with 0.
 *
 * @throws StartError with {@link USAGE_EXIT_CODE}, for arguments and variables that can't be understood
 */
export function parseArguments(command: Command, argv: readonly string[]): Command {
  command.exitOverride().configureOutput({ writeErr: () => undefined });
  try {
    return command.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0);
    throw usageError(error.message.replace(/^error: /, ''), error);
  }
}

/**
 * Commander takes a flag as given when its variable is there, whatever it says. Here `false` and `0` say no, `true` and
 * `1` yes, and anything else is an error.
 */
function readFlagVariables(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const isFlag = !option.required && !option.optional;
    if (!isFlag || command.getOptionValueSource(name) !== 'env') continue;
    const text = process.env[option.envVar ?? ''] ?? '';
    if (/^(true|1)$/i.test(text)) continue;
    if (!/^(false|0|)$/i.test(text))
      command.error(`error: ${option.envVar} is true or false, not ${JSON.stringify(text)}`);
    command.setOptionValueWithSource(name, option.defaultValue ?? option.negate, 'default');
  }
}

/** An option that can also be given as an environment variable, `KVS_` and its name. */
export function setting(flags: string, description: string): Option {
  const [name = ''] = flags.split(' ', 1);
  return new Option(`--${flags}`, description).env(`KVS_${name.replaceAll('-', '_').toUpperCase()}`);
}

/** The words of an argument: each may itself list several, parted by commas or blanks, as a variable does. */
export function listed(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** An option that may be given several times, and each time with several words. */
function several(flags: string, description: string, parse: (word: string) => string): Option {
  return setting(flags, description).argParser((text, before: string[] = []) => [
    ...before,
    ...listed(text).map(parse),
  ]);
}

/** An option that takes a positive whole number. */
export function wholeNumber(
  name: string,
  description: string,
  byDefault: number,
  max = Number.MAX_SAFE_INTEGER,
): Option {
  return setting(`${name} <number>`, description)
    .default(byDefault)
    .argParser((text) => {
      const value = /^\d+$/.test(text) ? Number(text) : NaN;
      if (value >= 1 && value <= max) return value;
      const bound = max === Number.MAX_SAFE_INTEGER ? '' : ` of at most ${max}`;
      throw new InvalidArgumentError(`It must be a positive whole number${bound}.`);
    });
}

/** An option that takes a time in milliseconds. */
export function milliseconds(name: string, description: string, byDefault: number): Option {
  return wholeNumber(name, description, byDefault, MAX_TIMER_MS);
}

/** The longest time that a timer can run, some 25 days: one set to more fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Parses a TCP port; 0 asks for any free one. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a whole number from 0 to 65535.');
}

/**
 * Parses a name or an address to listen on.
 *
 * @returns as `listen` of `node:net` takes it: IPv6 without brackets
 */
export function parseHost(text: string): string {
  const inBrackets = /^\[(.*)\]$/.exec(text)?.[1] ?? '';
  if (isIPv6(inBrackets)) return inBrackets;
  if (isIPv6(text) || canonicalHost(text) !== undefined) return text;
  throw new InvalidArgumentError(
    'A host is a name or an address without a port, such as localhost or [::1].',
  );
}

function parseAllowedHost(text: string): string {
  const host = text === '*' ? text : canonicalHost(text);
  if (host !== undefined) return host;
  throw new InvalidArgumentError('A host is a name or an address without a port, such as kvs.example.');
}

/** @returns the origin as browsers spell it */
function parseOrigin(text: string): string {
  if (text === '*' || text === 'null') return text;
  const url =
    /^[a-z][a-z\d+.-]*:\/\/[^*/?#@]+$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined) return `${url.protocol}//${url.host}`;
  throw new InvalidArgumentError(
    'An origin is a scheme, a host and a port unless it is the usual one, such as https://app.example.',
  );
}

/**
 * Parses a node's address, `host:port`, with an IPv6 host in brackets.
 *
 * @returns the address in its usual spelling, so that one node has one name: `[0:0:0:0:0:0:0:1]:03000` is `[::1]:3000`
 */
export function parseAddress(text: string): string {
  const match = /^(\[[0-9a-f:.]+\]|[0-9a-z._-]+):(\d{1,5})$/i.exec(text);
  const origin = `http://${match?.[1] ?? ''}`;
  const port = Number(match?.[2]);
  if (!URL.canParse(origin) || port < 1 || port > 65_535) {
    throw new InvalidArgumentError(
      `A node is given as host:port, such as localhost:3000 or [::1]:3000, not as ${JSON.stringify(text)}.`,
    );
  }
  return `${new URL(origin).hostname}:${port}`;
}

/** The version in the package.json next to the folder of the module at `moduleUrl`. */
export function packageVersion(moduleUrl: string): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', moduleUrl), 'utf8'));
  if (isRecord(manifest) && typeof manifest['version'] === 'string') return manifest['version'];
  throw new TypeError('package.json has no version');
}
