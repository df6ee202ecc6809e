import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { codeBlocks, lineAt, type CodeBlock } from './markdown.js';

/** A step of a document: a command with its expected output, or a node that stops or starts. */
export type Step =
  | { readonly kind: 'run'; readonly line: number; readonly command: string; readonly output?: CodeBlock }
  | { readonly kind: 'stop' | 'start'; readonly line: number; readonly address: string };

/**
 * The steps of a document in order: every `sh` block that calls curl, with the `json` or `text` block that follows it
 * as the output to expect, and comments like `<!-- example: stop localhost:3001 -->`.
 */
export function stepsOf(markdown: string): Step[] {
  const blocks = codeBlocks(markdown);
  const commands = blocks.flatMap(({ language, text, line }, i): Step[] => {
    if (language !== 'sh' || !/\bcurl\b/.test(text)) return [];
    const next = blocks[i + 1];
    const output = next && ['json', 'text'].includes(next.language) ? { output: next } : undefined;
    return [{ kind: 'run', line, command: text, ...output }];
  });
  const directives = Array.from(markdown.matchAll(DIRECTIVE), ({ 1: kind, 2: address = '', index }): Step => {
    return { kind: kind === 'stop' ? 'stop' : 'start', address, line: lineAt(markdown, index) };
  });
  return [...commands, ...directives].sort((a, b) => a.line - b.line);
}

const DIRECTIVE = /^<!-- example: (stop|start) (\S+) -->$/gm;

/** Returns the programs that can't be run here. */
export async function missingPrograms(programs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    programs.map((program) =>
      run(program, ['--version']).then(
        () => true,
        () => false,
      ),
    ),
  );
  return programs.filter((_, i) => !found[i]);
}

const run = promisify(execFile);

/**
 * Runs the commands of a document against servers at other addresses, and makes outputs comparable: it normalizes only
 * values that differ from run to run (dates, ports, remaining times, keys per node). A version or cursor in the document
 * stands for the printed one, also in later commands.
 */
export class ShellSession {
  readonly #documented = new Map<string, string>();
  readonly #tokens = new Map<string, string>();

  readonly #addresses: ReadonlyMap<string, string>;

  readonly #directory: string;

  /**
   * @param addresses the real address of each server, by the `host:port` in the document
   * @param directory where the commands run
   */
  constructor(addresses: ReadonlyMap<string, string>, directory: string) {
    this.#addresses = addresses;
    this.#directory = directory;
    for (const [inDocument, here] of addresses) this.#documented.set(here, inDocument);
  }

  /** Runs a command and returns the actual and the expected output in comparable form. */
  async compare(
    command: string,
    output: CodeBlock | undefined,
  ): Promise<{ actual: string; expected: string }> {
    const local = command
      .replaceAll(ADDRESS, (address) => this.#addresses.get(address) ?? unknown(address))
      .replaceAll(TOKEN, (token) => this.#tokens.get(token) ?? token);
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', local], {
      cwd: this.#directory,
      env: { ...process.env, no_proxy: 'localhost' },
      maxBuffer: 64 * 1024 * 1024,
    });
    if (output === undefined) return { actual: '', expected: '' };
    const inAnyOrder = isUnordered(command);
    const expected = comparable(output.text, output.language, inAnyOrder);
    const printed = stdout.replaceAll(ADDRESS, (address) => this.#documented.get(address) ?? address);
    return {
      actual: this.#withTokensOf(expected, comparable(printed, output.language, inAnyOrder)),
      expected,
    };
  }

  #withTokensOf(expected: string, actual: string): string {
    const wanted = expected.match(TOKEN) ?? [];
    const found = actual.match(TOKEN) ?? [];
    if (wanted.length !== found.length) return actual;
    wanted.forEach((token, i) => {
      if (!this.#tokens.has(token)) this.#tokens.set(token, found[i] ?? '');
    });
    const back = new Map(Array.from(this.#tokens, ([token, here]) => [here, token]));
    return actual.replaceAll(TOKEN, (token) => back.get(token) ?? token);
  }
}

const ADDRESS = /\blocalhost:\d+\b/g;
/** Versions, and the cursors of pages. */
const TOKEN = /\b\d{16}\b|(?<=cursor(?:: |=))\d+/g;

function unknown(address: string): never {
  throw new TypeError(`the example uses ${address}, and this test has no server for it`);
}

/** The order of a scan is unspecified. */
function isUnordered(command: string): boolean {
  return command.includes('/fetch') && !/ (-X|-d|--data)/.test(command);
}

function comparable(text: string, language: string, inAnyOrder: boolean): string {
  const normalized = VOLATILE.reduce(
    (part, [pattern, replacement]) => part.replaceAll(pattern, replacement),
    text,
  );
  if (language === 'json') {
    const value: unknown = JSON.parse(normalized);
    return JSON.stringify(Array.isArray(value) && inAnyOrder ? inFixedOrder(value) : value, undefined, 2);
  }
  const lines = normalized.trim().split(/\r?\n/);
  if (!inAnyOrder) return lines.join('\n');
  if (lines.every((line) => line.startsWith('{'))) return lines.sort().join('\n');
  // `curl -i` prints the array after the headers.
  const start = lines.findIndex((line) => line.startsWith('['));
  if (start === -1) return lines.join('\n');
  return [...lines.slice(0, start), comparable(lines.slice(start).join('\n'), 'json', true)].join('\n');
}

function inFixedOrder(values: readonly unknown[]): unknown[] {
  return values
    .map((value) => [JSON.stringify(value).replaceAll(TOKEN, ''), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, value]) => value);
}

const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/(?<=^(?:date|content-length): ).*$/gim, '…'],
  [/(?<="ttl_ms":\s*|^kvs-ttl-ms: )[1-9]\d*/gim, '0'],
  // The numbers of partitions and keys of a node depend on its port.
  [/(?<="partitions":\s*)(?!4096\b)\d+/g, '0'],
  [/(?<="keys":\s*)\d+/g, '0'],
];
