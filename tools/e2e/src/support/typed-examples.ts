import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import type { CodeBlock } from './markdown.js';

export interface TypedExample {
  /** The path of the document. Imports are resolved from there. */
  readonly document: string;
  readonly block: CodeBlock;
}

/** Declarations that examples leave to the reader. */
const READERS_OWN = `
  import type { Clock, StorageEngine } from '@kvs/kv-store';
  declare global {
    class MyEngine {
      constructor(options: { clock: Clock });
    }
    interface MyEngine extends StorageEngine {}
  }
`;

/**
 * Type-checks TypeScript examples with the options of the workspace, each as a module beside its document.
 *
 * @returns one line per error
 */
export function typeErrors(root: string, examples: readonly TypedExample[]): string[] {
  const sources = new Map(
    examples.map((example, i) => [join(dirname(example.document), `example-${i}.ts`), example]),
  );
  const readersOwn = join(root, 'libs/kv-store/readers-own.ts');
  const options = readOptions(join(root, 'tsconfig.base.json'));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const textOf = (file: string): string | undefined =>
    file === readersOwn ? READERS_OWN : sources.get(file)?.block.text;
  host.fileExists = (file) => textOf(file) !== undefined || fileExists(file);
  host.readFile = (file) => textOf(file) ?? readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const text = textOf(file);
    return text === undefined
      ? getSourceFile(file, language, ...rest)
      : ts.createSourceFile(file, text, language);
  };
  const program = ts.createProgram([...sources.keys(), readersOwn], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
    const { file, start = 0 } = diagnostic;
    const example = file && sources.get(file.fileName);
    if (!file || !example) return `${file?.fileName ?? ''}: ${message}`;
    const line = example.block.line + file.getLineAndCharacterOfPosition(start).line;
    return `${relative(root, example.document)}:${line}: ${message}`;
  });
}

function readOptions(configFile: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(configFile, (file) => ts.sys.readFile(file)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, dirname(configFile));
  // Examples may have unused names. Nothing is emitted.
  return { ...options, composite: false, noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
}
