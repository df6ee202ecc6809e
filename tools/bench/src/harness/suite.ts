import type { Report } from './report.js';

/** A subject that is measured. A new one is a folder beside `ring`, and a line in suites.ts. */
export interface Suite {
  readonly name: string;
  readonly description: string;
  /** Parts that can be measured by themselves. */
  readonly cases?: readonly string[];
  /** Files, relative to the workspace, that `--write` updates besides the page of the run. */
  readonly documents?: {
    /** Has the goals between two comments, the first of which names the suite. */
    readonly goals?: string;
    /** Has the tables between two comments, the first of which names the suite. */
    readonly tables?: string;
    /** Gets the chart of the report. */
    readonly chart?: string;
  };
  run(options: SuiteOptions): Promise<Report>;
}

export interface SuiteOptions {
  /** Take a minute or two, for a first look. */
  readonly quick: boolean;
  /** Given a line for each step. */
  readonly progress: (message: string) => void;
  /** The cases to measure; all of them without. */
  readonly cases?: readonly string[];
  /** Another checkout to compare with, for `servers`. */
  readonly baseline?: string;
}
