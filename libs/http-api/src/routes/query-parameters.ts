import { isEncoding, KvsError, type Encoding } from '@kvs/protocol';

/**
 * The query parameters of a request. A parameter that the route doesn't know is an error, because a misspelt `partial` must not
 * be ignored.
 */
export class QueryParameters {
  readonly #values = new Map<string, string>();

  /** @throws KvsError `invalid_parameter` for one that is unknown, repeated, or not valid percent-encoded UTF-8 */
  constructor(url: string, known: readonly string[]) {
    const start = url.indexOf('?');
    const parts =
      start === -1
        ? []
        : url
            .slice(start + 1)
            .split('&')
            .filter(Boolean);
    for (const part of parts) {
      const equals = part.indexOf('=');
      const name = decode(equals === -1 ? part : part.slice(0, equals));
      if (!known.includes(name)) {
        const hint = known.length === 0 ? 'none is' : `known are: ${known.join(', ')}`;
        throw new KvsError('invalid_parameter', `parameter ${JSON.stringify(name)} is not known; ${hint}`);
      }
      if (this.#values.has(name)) throw new KvsError('invalid_parameter', `${name} is given twice`);
      this.#values.set(name, equals === -1 ? '' : decode(part.slice(equals + 1)));
    }
  }

  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** Returns the value of `true` or `false`. An absent parameter is false, and a name without a value is true. */
  flag(name: string): boolean {
    const value = this.#values.get(name);
    if (value === undefined || value === 'false') return false;
    if (value === 'true' || value === '') return true;
    const meant = TRUE_WORDS.test(value) ? 'true' : FALSE_WORDS.test(value) ? 'false' : undefined;
    throw misspelt(name, 'true or false', value, meant);
  }

  wholeNumber(name: string, min: number, max: number): number | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,16}$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number;
    throw new KvsError('invalid_parameter', `${name} must be a whole number from ${min} to ${max}`);
  }

  /** Returns the parameter `encoding`; `string` by default. */
  encoding(): Encoding {
    const value = this.#values.get('encoding') ?? 'string';
    if (isEncoding(value)) return value;
    const lower = value.toLowerCase();
    throw misspelt('encoding', 'string or binary', value, isEncoding(lower) ? lower : undefined);
  }
}

/** Spellings of true and false in other programs and languages. */
const TRUE_WORDS = /^(?:true|t|yes|y|on|1)$/i;
const FALSE_WORDS = /^(?:false|f|no|n|off|0)$/i;

/** @param meant the spelling that the client probably wanted, if there is one */
function misspelt(name: string, allowed: string, value: string, meant: string | undefined): KvsError {
  const advice = meant === undefined ? '' : `; write ${name}=${meant}`;
  const given = JSON.stringify(value.slice(0, 100));
  return new KvsError('invalid_parameter', `${name} must be ${allowed}, not ${given}${advice}`);
}

/** @throws KvsError `invalid_parameter` */
export function readMeta(url: string | undefined): boolean {
  return url?.includes('?') === true && new QueryParameters(url, ['meta']).flag('meta');
}

/** @throws KvsError `invalid_parameter` if there is any */
export function readNoParameters(url: string | undefined): void {
  new QueryParameters(url ?? '', []);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    throw new KvsError('invalid_parameter', 'a parameter is not valid percent-encoded UTF-8', {
      cause: error,
    });
  }
}
