import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = import.meta.dirname;

/** What every project's tests share: ESM, TypeScript through swc, workspace packages from their sources. */
const preset = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/src/**/*.spec.ts'],
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

const folders = ['libs', 'apps', 'tools']
  .flatMap((group) =>
    readdirSync(join(root, group)).map((name) => ({ name, rootDir: join(root, group, name) })),
  )
  .filter(({ rootDir }) => existsSync(join(rootDir, 'tsconfig.json')));

const projects = folders.map(({ name, rootDir }) => ({ ...preset, displayName: name, rootDir }));

// Hot routes have two doors, and what is promised end to end is promised of both.
const ordinaryDoor = {
  ...preset,
  displayName: 'e2e-no-fast-lane',
  rootDir: join(root, 'tools/e2e'),
  setupFiles: ['<rootDir>/src/support/no-fast-lane.ts'],
  // Nx serves a project once at a time, and which door answers is nothing to it.
  testPathIgnorePatterns: ['/local-cluster\\.spec\\.ts$'],
};

// Processes take their time to start on a busy machine; no promise of ours depends on how long.
export default { projects: [...projects, ordinaryDoor], maxWorkers: '100%', testTimeout: 120_000 };
