/** The kind of a broken promise. */
export type FindingKind =
  /** An answer that no order of the operations explains. */
  | 'linearizability'
  | 'versions'
  /** An in-sync copy lacks an acknowledged write. */
  | 'lostWrite'
  /** Two copies of a partition serve at the same time. */
  | 'twoServe'
  /** A change of the topology that no request may make. */
  | 'commit'
  /** Pairs were dropped that no in-sync copy has. */
  | 'drop'
  /** A partition did not get its primary and copies, or the last reads were not served, in time. */
  | 'liveness'
  /** The code threw, or did not come to rest. */
  | 'failure';

/** A broken promise. */
export interface Finding {
  readonly kind: FindingKind;
  readonly atMs: number;
  readonly text: string;
}

/** Collects findings: the first of each kind, because later ones follow from it. */
export class Findings {
  readonly #byKind = new Map<FindingKind, Finding>();
  readonly #now: () => number;
  readonly #noted: (finding: Finding) => void;

  /** @param noted called with each finding that is kept */
  constructor(now: () => number, noted: (finding: Finding) => void) {
    this.#now = now;
    this.#noted = noted;
  }

  add(kind: FindingKind, text: string): void {
    if (this.#byKind.has(kind)) return;
    const finding = { kind, atMs: this.#now(), text };
    this.#byKind.set(kind, finding);
    this.#noted(finding);
  }

  get all(): readonly Finding[] {
    return [...this.#byKind.values()];
  }
}
