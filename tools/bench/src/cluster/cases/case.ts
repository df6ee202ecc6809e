import type { Findings } from '../../harness/report.js';
import type { LoadGenerator } from '../../servers/load/load.js';
import type { ClusterScale } from '../scale.js';

/** A part of the suite that can be run by itself. */
export interface ClusterCase {
  /** For `--case`. */
  readonly name: string;
  measure(options: CaseOptions): Promise<Findings>;
}

export interface CaseOptions {
  readonly scale: ClusterScale;
  readonly generator: LoadGenerator;
  readonly progress: (message: string) => void;
  /** More options of the proxies. Default: none, so that the defaults of kvs are measured. */
  readonly proxyArgs?: readonly string[];
}
