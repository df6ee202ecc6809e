import type { Report } from './report.js';

/** A subject that is measured. A new one is a folder beside `ring`, and a line in suites.ts. */
export interface Suite {
  readonly name: string;
  readonly description: string;
  /** Parts that can be measured by themselves. */
  readonly cases?: readonly string[];
  /** Whether it can write profiles. */
  readonly canProfile?: boolean;
  /** What was found as an SVG image. */
  chart?(report: Report): string;
  /** Measures. What it is at is told to `progress`, a line each. */
  run(options: SuiteOptions): Promise<Report>;
}

export interface SuiteOptions {
  /** A minute at most, for a first look. */
  readonly quick: boolean;
  readonly progress: (message: string) => void;
  /** Of a suite that has cases, those to measure. All of them when there are none. */
  readonly cases?: readonly string[];
  /** Profile instead of measuring, and write the profiles there. Only for a suite that can. */
  readonly profileDirectory?: string;
  /** How long a soak lasts, for a suite that has one. Default: no soak. */
  readonly soakMinutes?: number;
}
