import type { Act, Result } from '../check/history.js';

/** A client's operation on its way to a node. */
export interface Call {
  readonly partition: number;
  /** Undefined: all keys of the partition, as a scan reads them. */
  readonly key: string | undefined;
  readonly act: Act;
}

/** The answer of a node. */
export type Reply =
  /** The result for each key. Keys that are left out are absent. */
  | { readonly kind: 'done'; readonly results: ReadonlyMap<string, Result> }
  /** The node is not the primary that the caller takes it for. It did nothing. */
  | { readonly kind: 'wrongNode' }
  /** It did nothing, unless `maybeApplied`. */
  | { readonly kind: 'failed'; readonly code: string; readonly maybeApplied: boolean };
