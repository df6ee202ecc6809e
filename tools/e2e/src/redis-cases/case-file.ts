import { isRecord } from '@kvs/protocol';

/** One case: commands that are sent one after the other to an empty server, and the replies that Redis gives. */
export interface RedisCase {
  readonly name: string;
  readonly commands: readonly (readonly string[])[];
  /** A reply for each command, as JSON writes it: a number, a text, null or an array. */
  readonly replies: readonly unknown[];
  /** Set if the case is only for servers by themselves, or only for nodes of a cluster. */
  readonly onlyFor?: 'standalone' | 'cluster';
  /** Whether the items of a reply may come in any order. */
  readonly isUnordered: boolean;
}

/**
 * Reads a file of cases in the format of resp-compatibility. Leaves out the cases that the file itself skips, and those with
 * escaped bytes in their commands.
 *
 * @throws TypeError if the text is of another format
 */
export function readCases(text: string): readonly RedisCase[] {
  const cases: unknown = JSON.parse(text);
  if (!Array.isArray(cases)) throw new TypeError('a file of cases is an array');
  return cases.flatMap((one: unknown) => {
    if (!isRecord(one)) throw new TypeError(`no case: ${JSON.stringify(one)}`);
    return one['skipped'] === true || one['command_binary'] === true ? [] : [caseOf(one)];
  });
}

function caseOf(written: Readonly<Record<string, unknown>>): RedisCase {
  const { name, command, result, tags, sort_result: sortResult } = written;
  if (typeof name !== 'string' || !isTexts(command) || !Array.isArray(result))
    throw new TypeError(`no case: ${JSON.stringify(written)}`);
  if (command.length > result.length) throw new TypeError(`${name}: a case has a reply for each command`);
  return {
    name,
    commands: command.map(argumentsOf),
    replies: result,
    isUnordered: sortResult === true,
    ...((tags === 'standalone' || tags === 'cluster') && { onlyFor: tags }),
  };
}

/** Returns the arguments of a command. A space between double quotes separates none. */
function argumentsOf(command: string): readonly string[] {
  const args = [''];
  command.split('"').forEach((part, i) => {
    const [first = '', ...others] = i % 2 === 0 ? part.split(' ') : [part];
    args.push(`${args.pop() ?? ''}${first}`, ...others);
  });
  return args;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
