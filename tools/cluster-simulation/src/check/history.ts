/** One operation of a client on one key, as the client saw it. Values are unique, so a value names the write that made it. */
export interface Operation {
  readonly id: number;
  readonly key: string;
  readonly act: Act;
  readonly invokedMs: number;
  /** When the answer came; infinite if none came, or none that tells what was done. */
  returnedMs: number;
  /** Undefined until the answer came, and if the operation may have been done. */
  result: Result | undefined;
}

export type Act =
  | { readonly kind: 'set'; readonly value: string; readonly ifVersion?: number; readonly ttlMs?: number }
  | { readonly kind: 'delete'; readonly ifVersion?: number }
  /** Also the part of a scan that is about one key. */
  | { readonly kind: 'read' };

export type Result =
  | { readonly kind: 'set'; readonly version: number }
  | { readonly kind: 'deleted' }
  /** A deletion of an absent key, or a read that found none. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'found'; readonly value: string; readonly version: number }
  /** The key has another version than the condition asked for. */
  | { readonly kind: 'mismatch' }
  /** The operation was not done. */
  | { readonly kind: 'refused'; readonly code: string };

/** Returns an operation as one line. */
export function operationLine({ id, key, act, invokedMs, returnedMs, result }: Operation): string {
  const condition = act.kind !== 'read' && act.ifVersion !== undefined ? ` if ${act.ifVersion}` : '';
  const asked = act.kind === 'set' ? `set ${act.value}` : act.kind;
  const answer =
    result === undefined
      ? 'unknown'
      : result.kind === 'found'
        ? `${result.value} (${result.version})`
        : result.kind === 'set'
          ? `ok (${result.version})`
          : result.kind === 'refused'
            ? `refused: ${result.code}`
            : result.kind;
  return `#${id} ${key}: ${asked}${condition} → ${answer}  [${seconds(invokedMs)}, ${seconds(returnedMs)}]`;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? (ms / 1000).toFixed(3) : '…';
}
