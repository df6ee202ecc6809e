import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = import.meta.dirname;

/** Options that every project's tests share: ESM, TypeScript through swc, workspace packages from their sources. */
export const preset = {
  testEnvironment: join(root, 'tools/setup/jest-environment.mjs'),
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testEnvironmentOptions: { customExportConditions: ['@kvs/source', 'node', 'node-addons'] },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
      },
    ],
  },
};

/** Every project of the workspace with its name and folder. */
export const projects = ['libs', 'apps', 'tools']
  .flatMap((group) =>
    readdirSync(join(root, group)).map((name) => ({ displayName: name, rootDir: join(root, group, name) })),
  )
  .filter(({ rootDir }) => existsSync(join(rootDir, 'tsconfig.json')));

/** More workers than cores, because end-to-end tests mostly wait. Processes start and end slowly on a busy machine. */
export const shared = {
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  testTimeout: 120_000,
  workerGracefulExitTimeout: 5000,
};
