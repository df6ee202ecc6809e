import type { ReportPart } from './report.js';

/** A part of a suite that can be measured by itself. */
export interface Case<Options> {
  /** For `--case`. */
  readonly name: string;
  measure(options: Options): Promise<ReportPart>;
}

/**
 * Measures cases one after the other.
 *
 * @param names of the cases to measure; all of them if empty
 */
export async function measureCases<Options>(
  cases: readonly Case<Options>[],
  options: Options,
  names: readonly string[] = [],
): Promise<ReportPart[]> {
  const parts: ReportPart[] = [];
  for (const one of cases) {
    if (names.length === 0 || names.includes(one.name)) parts.push(await one.measure(options));
  }
  return parts;
}
