export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisUrl {
  readonly address: ServerAddress;
  readonly isTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/**
 * @throws TypeError for a URL with an unusable part. The message does not repeat the URL, which may have a password.
 */
export function parseUrl(text: string): RedisUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWhole = url !== undefined && url.hostname !== '' && url.port !== '0' && url.hash === '';
  if (!isWhole || !PROTOCOLS.has(url.protocol))
    throw new TypeError('a Redis URL looks like redis://host:6379 or rediss://user:password@host:6379/0');
  return {
    address: { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 6379) },
    isTls: TLS_PROTOCOLS.has(url.protocol),
    username: decoded('user', url.username),
    password: decoded('password', url.password),
    database: databaseIn(url),
  };
}

/** Returns whether a URL has other credentials than the first. It may leave out what the first has. */
export function contradicts(first: RedisUrl, other: RedisUrl): boolean {
  return (
    other.isTls !== first.isTls ||
    ![undefined, first.username].includes(other.username) ||
    ![undefined, first.password].includes(other.password) ||
    ![0, first.database].includes(other.database)
  );
}

const TLS_PROTOCOLS = new Set(['rediss:', 'valkeys:']);
const PROTOCOLS = new Set(['redis:', 'valkey:', ...TLS_PROTOCOLS]);

function decoded(name: string, text: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined;
  } catch {
    throw new TypeError(
      `the ${name} of a Redis URL has a % that stands for nothing: write %25 for a percent sign`,
    );
  }
}

/** The path or `?db=`, as in the registration of the scheme: https://www.iana.org/assignments/uri-schemes/prov/redis */
function databaseIn({ pathname, searchParams }: URL): number {
  const unknown = [...searchParams.keys()].find((name) => name !== 'db');
  if (unknown !== undefined)
    throw new TypeError(`a Redis URL has no parameter ${unknown}: the only one is db`);
  const given = [pathname.replace(/^\//, ''), ...searchParams.getAll('db')].filter((text) => text !== '');
  if (new Set(given).size > 1) throw new TypeError('a Redis URL names one database, by its path or by ?db=');
  const [text = '0'] = given;
  if (!/^\d{1,9}$/.test(text))
    throw new TypeError('the path of a Redis URL is the number of a database, such as /3');
  return Number(text);
}
