import { checkLinearizable, checkVersions, type Operation } from '@kvs-tools/cluster-simulation';

/** The result of the check of a history. */
export interface Examination {
  /** The broken promises: one text for each key and check. */
  readonly findings: readonly string[];
  /** Keys for which the search for an order took too long. */
  readonly undecided: number;
}

/**
 * Checks the history of each key: there is an order of its operations that explains all answers, and its versions never go back.
 * Acknowledged writes that are lost, and stale reads, break this.
 */
export function examine(history: ReadonlyMap<string, readonly Operation[]>): Examination {
  const findings: string[] = [];
  let undecided = 0;
  for (const [key, operations] of history) {
    const back = checkVersions(operations);
    if (back !== undefined) findings.push(`${key}: ${back}`);
    const verdict = checkLinearizable(operations);
    if (verdict.kind === 'unexplained') findings.push(`${key}: ${verdict.text}`);
    if (verdict.kind === 'undecided') undecided++;
  }
  return { findings, undecided };
}
