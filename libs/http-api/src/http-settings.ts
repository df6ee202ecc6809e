import type { Limits } from '@kvs/protocol';
import {
  canonicalHost,
  InvalidArgumentError,
  list,
  milliseconds,
  SERVER_OPTIONS,
  serverSettings,
  wholeNumber,
  type ServerSettings,
  type Values,
} from '@kvs/server';

const SLOW_CLIENTS = 'Slow clients';
const BROWSERS = 'Host names and browsers';

/** The options of every server that speaks HTTP. */
export const HTTP_OPTIONS = {
  ...SERVER_OPTIONS,
  /** In milliseconds. */
  headersTimeoutMs: milliseconds(SLOW_CLIENTS, 'longest wait for the headers of a request', 60_000),
  /** How long a client may send no byte of a body, a Redis request or a large Redis transaction, in milliseconds. */
  bodyTimeoutMs: milliseconds(
    SLOW_CLIENTS,
    'longest wait for the next bytes of a body, a Redis request or a large Redis transaction',
    30_000,
  ),
  /**
   * In bytes per second. A client may fall behind this speed by `bodyTimeoutMs`. Later bytes make up for that; earlier bytes don't.
   */
  minBodyRate: wholeNumber(
    {
      group: SLOW_CLIENTS,
      description: 'lowest sustained speed of a body, a Redis request or a large Redis transaction',
      unit: 'bytes per second',
    },
    1000,
  ),
  /** How long a client may read no byte of its answer, in milliseconds; its connection is then reset. */
  answerTimeoutMs: milliseconds(SLOW_CLIENTS, 'longest wait for a client to read more of its answer', 60_000),
  allowHost: list(
    { group: BROWSERS, description: 'serve this host name too; * allows all', value: 'name' },
    parseAllowedHost,
  ),
  allowOrigin: list(
    {
      group: BROWSERS,
      description: 'let web pages of this origin use the server; * allows all',
      value: 'origin',
    },
    parseAllowedOrigin,
  ),
  /** Whether the batch routes are answered before Express. */
  fastLane: {
    group: 'Performance',
    description: 'answer the batch routes through Express too, instead of on the fast path',
    default: true,
  },
};

/** The settings of a server that speaks HTTP. */
export interface HttpSettings
  extends ServerSettings, Omit<Values<typeof HTTP_OPTIONS>, keyof Limits | 'allowHost' | 'allowOrigin'> {
  /** Host names that are served besides the server's own, in canonical form, or `*` for all. */
  readonly allowHosts: readonly string[];
  /** Origins whose pages may use the server, as browsers send them, or `*` for all. */
  readonly allowOrigins: readonly string[];
}

/** Returns the settings that the options make. */
export function httpSettings(options: Values<typeof HTTP_OPTIONS>): HttpSettings {
  const { allowHost: allowHosts, allowOrigin: allowOrigins, ...rest } = options;
  return { ...serverSettings(rest), allowHosts, allowOrigins };
}

function parseAllowedHost(text: string): string {
  const host = text === '*' ? text : canonicalHost(text);
  if (host !== undefined) return host;
  throw new InvalidArgumentError('A host is a name or an address without a port, such as kvs.example.');
}

/** Returns the origin as browsers spell it. */
function parseAllowedOrigin(text: string): string {
  if (text === '*' || text === 'null') return text;
  const url =
    /^[a-z][a-z\d+.-]*:\/\/[^*/?#@]+$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined) return `${url.protocol}//${url.host}`;
  throw new InvalidArgumentError(
    'An origin is a scheme, a host and a port unless it is the usual one, such as https://app.example.',
  );
}
