import { keyId, type Key, type KeyId } from '../key.js';
import type { MaybePromise } from '../maybe-promise.js';
import type {
  DeleteItem,
  DeleteOutcome,
  Entry,
  FetchOutcome,
  ItemFailure,
  KeyValueOperations,
  QueryOutcome,
  ScanAnswer,
  SetItem,
  SetOutcome,
} from '../operations.js';

/** The operations over a `Map`, as plain as can be. Its clock stands at 0. A test replaces those that are to misbehave. */
export class MapOperations implements KeyValueOperations {
  readonly pairs = new Map<KeyId, Entry & { readonly key: Key }>();
  #lastVersion = 0;

  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]> {
    return items.map(({ key, value, ttlMs, expiresAtMs = ttlMs, ifVersion }): SetOutcome => {
      const refusal = this.#refusal(key, ifVersion);
      if (refusal) return refusal;
      const version = ++this.#lastVersion;
      const created = !this.pairs.has(keyId(key));
      const life = expiresAtMs === undefined ? undefined : { ttlMs: expiresAtMs, expiresAtMs };
      this.pairs.set(keyId(key), { key, value, version, ...life });
      return { ok: true, version, created };
    });
  }

  fetch(keys: readonly Key[]): MaybePromise<readonly FetchOutcome[]> {
    return keys.map((key) => ({ ok: true, entry: this.pairs.get(keyId(key)) ?? null }));
  }

  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]> {
    return keys.map((key) => ({ ok: true, present: this.pairs.has(keyId(key)) }));
  }

  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]> {
    return items.map(
      ({ key, ifVersion }) =>
        this.#refusal(key, ifVersion) ?? { ok: true, deleted: this.pairs.delete(keyId(key)) },
    );
  }

  scan({ values = true, format }: Parameters<KeyValueOperations['scan']>[0]): Promise<ScanAnswer> {
    const before = format === 'items' ? ',' : '';
    const lines = [...this.pairs.values()].map(
      ({ key, value }) => `${before}${JSON.stringify(values ? { key, value } : { key })}\n`,
    );
    return Promise.resolve({ missingNodes: [], lines: linesFrom(lines), close: () => undefined });
  }

  #refusal(key: Key, ifVersion: number | undefined): ItemFailure | undefined {
    const version = this.pairs.get(keyId(key))?.version ?? 0;
    if (ifVersion === undefined || ifVersion === version) return undefined;
    return { ok: false, code: 'version_mismatch', message: `the version is ${version}` };
  }
}

/** Lines, each in a chunk of its own. */
export async function* linesFrom(lines: Iterable<string>): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield new TextEncoder().encode(line);
}
