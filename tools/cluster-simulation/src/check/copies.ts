import { keyId, stringKey, type KeyId } from '@kvs/protocol';

/** A pair of a copy, as checkers see it. */
export interface HeldPair {
  readonly version: number;
}

/** The pairs of a partition that a process holds. */
export interface HeldPairs {
  readonly name: string;
  get(key: string): HeldPair | undefined;
}

/**
 * Remembers acknowledged writes, and checks that copies have them. Works by versions alone: a copy has a write if it has the
 * pair in that version or a later one, or if the pair was removed since.
 */
export class AcknowledgedWrites {
  /** The highest acknowledged version of each key. */
  readonly #written = new Map<string, number>();
  /** The highest version of each key whose removal was acknowledged. */
  readonly #removed = new Map<string, number>();
  /** The highest version of each key that anybody removed, acknowledged or not. */
  readonly #begunRemovals = new Map<string, number>();

  /** Notes that a write was acknowledged. */
  written(key: string, version: number): void {
    raise(this.#written, key, version);
  }

  /** Notes that somebody removes a pair, or that it may expire. */
  removing(key: string, version: number): void {
    raise(this.#begunRemovals, key, version);
  }

  /** Notes that the removal of a pair was acknowledged. */
  removed(key: string, version: number): void {
    raise(this.#removed, key, version);
  }

  /** Returns what a copy lacks of the acknowledged writes of these keys, or undefined. */
  lacking(copy: HeldPairs, keys: readonly string[]): string | undefined {
    for (const key of keys) {
      const version = copy.get(key)?.version;
      const written = this.#written.get(key) ?? 0;
      const removed = this.#removed.get(key) ?? 0;
      if (version === undefined) {
        if ((this.#begunRemovals.get(key) ?? 0) < written)
          return `${copy.name} has no ${key}, of which version ${written} was acknowledged`;
      } else if (version < written) {
        return `${copy.name} has ${key} in version ${version}, of which version ${written} was acknowledged`;
      } else if (version <= removed) {
        return `${copy.name} has ${key} in version ${version}, whose removal was acknowledged`;
      }
    }
    return undefined;
  }
}

function raise(map: Map<string, number>, key: string, version: number): void {
  if (version > (map.get(key) ?? 0)) map.set(key, version);
}

const ids = new Map<string, KeyId>();

/** Returns the id under which engines keep a key of a client. */
export function idOf(key: string): KeyId {
  let id = ids.get(key);
  if (id === undefined) {
    id = keyId(stringKey(key));
    ids.set(key, id);
  }
  return id;
}
