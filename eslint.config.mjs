import nx from '@nx/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

/** The allowed imports between packages, as in the table of docs/architecture.md. */
const depConstraints = [
  { sourceTag: 'type:lib', onlyDependOnLibsWithTags: ['type:lib'] },
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:lib'] },
  { sourceTag: 'type:test-kit', onlyDependOnLibsWithTags: ['type:app'] },
  { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['type:lib', 'type:app', 'type:tool'] },
  { sourceTag: 'scope:hash-ring', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:protocol', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'scope:kv-store', onlyDependOnLibsWithTags: ['scope:protocol'] },
  {
    sourceTag: 'scope:kv-store-redis',
    onlyDependOnLibsWithTags: ['scope:kv-store', 'scope:protocol'],
  },
  {
    sourceTag: 'scope:kv-store-lmdb',
    onlyDependOnLibsWithTags: ['scope:kv-store', 'scope:protocol'],
  },
  { sourceTag: 'scope:topology', onlyDependOnLibsWithTags: ['scope:protocol', 'scope:hash-ring'] },
  { sourceTag: 'scope:topology-etcd', onlyDependOnLibsWithTags: ['scope:topology', 'scope:protocol'] },
  {
    sourceTag: 'scope:replication',
    onlyDependOnLibsWithTags: [
      'scope:topology',
      'scope:kv-store',
      'scope:node-link',
      'scope:router',
      'scope:protocol',
      'scope:hash-ring',
    ],
  },
  {
    sourceTag: 'scope:router',
    onlyDependOnLibsWithTags: ['scope:protocol', 'scope:hash-ring', 'scope:topology'],
  },
  {
    sourceTag: 'scope:node-link',
    onlyDependOnLibsWithTags: ['scope:router', 'scope:protocol', 'scope:hash-ring'],
  },
  { sourceTag: 'scope:server', onlyDependOnLibsWithTags: ['scope:protocol'] },
  { sourceTag: 'scope:http-api', onlyDependOnLibsWithTags: ['scope:server', 'scope:protocol'] },
  { sourceTag: 'scope:redis-api', onlyDependOnLibsWithTags: ['scope:server', 'scope:protocol'] },
];

const tests = ['**/*.spec.ts', '**/test/**', '**/bench/**'];

/** Forbids what a part that must stay free of dependencies would need to import. */
function forbid(files, regex, message) {
  return {
    files,
    ignores: tests,
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message }] }] },
  };
}

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/coverage', '.nx'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts', '**/*.cts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        { enforceBuildableLibDependency: true, allow: [], depConstraints },
      ],
      eqeqeq: 'error',
      'no-duplicate-imports': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Nest modules are empty classes with a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
    },
  },
  forbid(['libs/hash-ring/src/**'], '^(?!\\.)', 'The ring has no dependencies, not even on Node.'),
  forbid(
    ['libs/protocol/src/*.ts'],
    '^(?!\\./)|^\\./nest/',
    'The plain protocol has no dependencies; code that needs Nest belongs in nest/.',
  ),
  prettier,
);
