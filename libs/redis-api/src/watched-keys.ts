import type { KeyId } from '@kvs/protocol';
import type { Admission } from '@kvs/server';

/** Versions by keys, as they were when a client began to watch them; 0 for an absent key. */
export type WatchedVersions = ReadonlyMap<KeyId, number>;

/** The keys that a client watches. They count as held bytes, because a client may watch them for as long as it wants. */
export class WatchedKeys {
  readonly #admission: Admission;
  #versions = new Map<KeyId, number>();
  #bytes = 0;
  #isClosed = false;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  get versions(): WatchedVersions {
    return this.#versions;
  }

  /** The bytes that are counted as held. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds keys that are not watched yet.
   *
   * @throws KvsError `overloaded` if the server has no room for them; then none is added
   */
  add(versions: WatchedVersions): void {
    if (this.#isClosed) return;
    let bytes = 0;
    for (const { length } of versions.keys()) bytes += 2 * length + KEY_BYTES;
    const refusal = this.#admission.hold(bytes, this.#bytes);
    if (refusal !== undefined) throw refusal;
    this.#bytes += bytes;
    for (const [id, version] of versions) this.#versions.set(id, version);
  }

  clear(): void {
    this.#admission.release(this.#bytes);
    this.#bytes = 0;
    // An EXEC that runs may still need the old map.
    this.#versions = new Map();
  }

  /** Watches no keys from now on, because the connection is closed. */
  close(): void {
    this.clear();
    this.#isClosed = true;
  }
}

/** About how many bytes a key takes besides its own. */
const KEY_BYTES = 100;
