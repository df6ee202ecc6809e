import { preset, projects, shared } from './jest.preset.mjs';

/** `npm test`: every kind of test. Specs named `*.slow.spec.ts` are run by jest.slow.config.mjs. */
export default {
  ...shared,
  projects: projects.map((project) => ({
    ...preset,
    ...project,
    testMatch: ['<rootDir>/src/**/*.spec.ts', '!**/*.slow.spec.ts'],
  })),
};
