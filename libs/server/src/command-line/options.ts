import { InvalidArgumentError } from 'commander';

/**
 * One option of a command, as data: the command line, `--help` and the documentation are made from it. Its key in
 * {@link OptionDefinitions} gives it its names: `maxKeyBytes` is the flag `--max-key-bytes` and the environment variable
 * `KVS_MAX_KEY_BYTES`.
 */
export interface OptionDefinition<T> {
  /** The heading under which the option is listed. */
  readonly group: string;
  /** A phrase that begins in lower case. */
  readonly description: string;
  /**
   * The placeholder of the value, such as `number`; `url...` takes several words. Undefined for a flag. A flag that is on by
   * default is turned off: `fastLane` is the flag `--no-fast-lane`.
   */
  readonly value?: string;
  /** The unit of the value, such as `bytes`. */
  readonly unit?: string;
  /** All values that are allowed. */
  readonly choices?: readonly string[];
  readonly default: T;
  /**
   * Reads one word. Undefined for text, choices and flags.
   *
   * @param before the value so far: the default, or what an earlier word gave
   * @throws InvalidArgumentError
   */
  parse?(text: string, before: T): T;
}

/** Options by their names in the settings. */
export type OptionDefinitions = Readonly<Record<string, OptionDefinition<unknown>>>;

/** The values of options, or of arguments, after parsing. */
export type Values<D> = {
  readonly [K in keyof D]: D[K] extends { readonly default: infer T }
    ? T
    : D[K] extends { parse(text: string, before: never): infer T }
      ? T
      : string;
};

type Texts = Pick<OptionDefinition<unknown>, 'group' | 'description' | 'value' | 'unit'>;

/** The least and the largest value of a number: by default 1 and 2^53 - 1. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
}

/** Returns an option that takes a whole number. */
export function wholeNumber(
  texts: Texts,
  byDefault: number,
  range: NumberRange = {},
): OptionDefinition<number> {
  return { value: 'number', ...texts, default: byDefault, parse: (text) => parseWholeNumber(text, range) };
}

/** Returns an option that takes a time in milliseconds. */
export function milliseconds(
  group: string,
  description: string,
  byDefault: number,
): OptionDefinition<number> {
  return wholeNumber({ group, description, unit: 'milliseconds' }, byDefault, { max: MAX_TIMER_MS });
}

/** Returns an option that is undefined unless it is given. */
export function optional<T>(
  texts: Texts & { readonly value: string },
  parse: (text: string) => T,
): OptionDefinition<T | undefined> {
  return { ...texts, default: undefined, parse };
}

/** Returns an option that takes one of several words. */
export function choice<T extends string>(
  texts: Texts & { readonly value: string },
  choices: readonly T[],
  byDefault: NoInfer<T>,
): OptionDefinition<T> {
  return { ...texts, choices, default: byDefault };
}

/**
 * Returns an option that may be given several times, and each time with several words.
 *
 * @param parse reads one word
 */
export function list(
  texts: Texts & { readonly value: string },
  parse: (word: string) => string,
  byDefault: readonly string[] = [],
): OptionDefinition<readonly string[]> {
  return {
    ...texts,
    default: byDefault,
    parse: (text, before) => [...(before === byDefault ? [] : before), ...words(text).map(parse)],
  };
}

/** Returns the words of a text that are separated by commas or white space. */
export function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}

/** @throws InvalidArgumentError */
export function parseWholeNumber(
  text: string,
  { min = 1, max = Number.MAX_SAFE_INTEGER }: NumberRange = {},
): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidArgumentError(`It must be a whole number ${range}.`);
}

/** About 25 days. A timer of more than 2³¹ − 1 ms fires at once, and some timers wait a little longer than an option says. */
const MAX_TIMER_MS = 2_147_000_000;
