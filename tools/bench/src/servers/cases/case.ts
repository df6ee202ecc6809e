import type { Findings } from '../../harness/report.js';
import type { LoadGenerator } from '../load/load.js';
import type { ServersScale } from '../scale.js';

/** One thing that is measured about servers. */
export interface ServersCase {
  /** For `--case`. */
  readonly name: string;
  measure(options: CaseOptions): Promise<Findings>;
}

export interface CaseOptions {
  readonly scale: ServersScale;
  readonly generator: LoadGenerator;
  readonly progress: (message: string) => void;
}
