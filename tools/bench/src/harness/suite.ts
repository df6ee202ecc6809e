import type { Report } from './report.js';

/** A subject that is measured. A new one is a folder beside `ring`, and a line in suites.ts. */
export interface Suite {
  readonly name: string;
  readonly description: string;
  /** What can be measured by itself. */
  readonly parts?: readonly string[];
  /** Measures. What it is at is told to `progress`, a line each. */
  run(options: SuiteOptions): Promise<Report>;
}

export interface SuiteOptions {
  /** A minute at most, for a first look. */
  readonly quick: boolean;
  /** Only this one of its parts. */
  readonly part?: string;
  readonly progress: (message: string) => void;
}
