import { preset, projects, shared } from './jest.preset.mjs';

/** The end-to-end tests again, with servers that answer every route through Express. */
const withoutFastLane = projects
  .filter(({ displayName }) => displayName === 'e2e')
  .map(({ rootDir }) => ({
    ...preset,
    displayName: 'e2e-no-fast-lane',
    rootDir,
    testMatch: ['<rootDir>/src/**/*.spec.ts', '!**/*.{slow,scaled}.spec.ts'],
    setupFiles: ['<rootDir>/src/support/no-fast-lane.ts'],
    // These tests don't depend on the fast path, or start servers themselves.
    testPathIgnorePatterns: [
      '/(local-cluster|control-plane|engine-cluster|node-failures|redis-failover|link|loops|command-line|redis-sessions|watched-transactions|scans|readme)\\.spec\\.ts$',
    ],
  }));

/**
 * `npm run test:slow`: tests that take minutes and rarely fail without others. CI runs them after `npm test`. Specs named
 * `*.slow.spec.ts` run only here; those named `*.scaled.spec.ts` run here with more rounds.
 */
export default {
  ...shared,
  testTimeout: 300_000,
  projects: [
    ...projects.map((project) => ({
      ...preset,
      ...project,
      testMatch: ['<rootDir>/src/**/*.{slow,scaled}.spec.ts'],
    })),
    ...withoutFastLane,
  ],
};
