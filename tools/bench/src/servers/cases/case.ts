import type { Findings } from '../../harness/report.js';
import type { LoadGenerator } from '../load/load.js';
import type { ServersScale } from '../scale.js';

/** A part of the suite that can be run by itself. */
export interface ServersCase {
  /** For `--case`. */
  readonly name: string;
  measure(options: CaseOptions): Promise<Findings>;
}

export interface CaseOptions {
  readonly scale: ServersScale;
  readonly generator: LoadGenerator;
  readonly progress: (message: string) => void;
  /** Another checkout, built, whose proxy and nodes are measured too. */
  readonly baseline?: string;
}

export const BASELINE_NAME = 'kvs, baseline';
