import type { Encoding, KeyId, Value } from '@kvs/protocol';
import { brandValue } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import { conditionHolds, isExpired, nextVersion } from '../rules.js';
import { ScanChunkBuilder } from '../scan-chunk.js';
import type {
  EngineDelete,
  EngineDeleteOutcome,
  EnginePair,
  EngineReadOutcome,
  EngineWrite,
  EngineWriteOutcome,
} from '../storage-engine.js';

/** The pairs of one partition. Every method runs to its end without giving way, so each is atomic. */
export class MemoryPartition {
  readonly #entries = new Map<KeyId, MemoryEntry>();

  /**
   * The highest version that left this partition. One number stands for every key that is gone: a key
   * that comes anew starts above it, and so above every version it had before.
   */
  #versionFloor = 0;

  /** Pairs held, expired ones that nothing has met yet among them. */
  get pairCount(): number {
    return this.#entries.size;
  }

  get(id: KeyId, nowMicros: number): EngineReadOutcome | undefined {
    const entry = this.#find(id, nowMicros);
    if (entry === undefined) return undefined;
    const { value, version, expiresAtMs } = entry;
    return { status: 'found', value, version, expiresAtMs };
  }

  has(id: KeyId, nowMicros: number): boolean {
    return this.#find(id, nowMicros) !== undefined;
  }

  write({ id, value, expiresAtMs, ifVersion }: EngineWrite, nowMicros: number): EngineWriteOutcome {
    const entry = this.#find(id, nowMicros);
    const actualVersion = entry?.version ?? 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    const version = nextVersion(entry?.version ?? this.#versionFloor, nowMicros);
    this.#entries.set(id, new MemoryEntry(value, version, expiresAtMs));
    return { status: 'written', version };
  }

  delete({ id, ifVersion }: EngineDelete, nowMicros: number): EngineDeleteOutcome {
    const entry = this.#find(id, nowMicros);
    const actualVersion = entry?.version ?? 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (entry === undefined) return { status: 'absent' };
    this.#remove(id, entry);
    return { status: 'deleted' };
  }

  /**
   * The pairs in chunks, none empty. Writes may come between two steps. The first chunk reads the map as it
   * stands; if that is not all, the ids still to come are noted there and then. So no key comes twice (a live
   * map iterator would meet a key deleted and set anew again), new keys cannot prolong the scan, and what is
   * held is at most one partition's ids.
   */
  *chunks(idPrefix: string, clock: Clock): Generator<EnginePair[], void, undefined> {
    const live = this.#entries.keys();
    const first = this.#takeChunk(live, idPrefix, clock.nowMicros());
    const rest = [...live].values();
    for (let chunk = first; chunk.length > 0; chunk = this.#takeChunk(rest, idPrefix, clock.nowMicros())) {
      yield chunk;
    }
  }

  /** The next pairs, as many as a chunk holds; none only when the ids are used up. */
  #takeChunk(ids: Iterator<KeyId>, idPrefix: string, nowMicros: number): EnginePair[] {
    const chunk = new ScanChunkBuilder();
    while (!chunk.isFull) {
      const next = ids.next();
      if (next.done === true) break;
      const entry = next.value.startsWith(idPrefix) ? this.#find(next.value, nowMicros) : undefined;
      if (entry !== undefined) chunk.add(entry.toPair(next.value));
    }
    return chunk.pairs;
  }

  /** The entry of a present key. An expired one is reclaimed on the way. */
  #find(id: KeyId, nowMicros: number): MemoryEntry | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || !isExpired(entry.expiresAtMs, nowMicros)) return entry;
    this.#remove(id, entry);
    return undefined;
  }

  #remove(id: KeyId, entry: MemoryEntry): void {
    this.#entries.delete(id);
    this.#versionFloor = Math.max(this.#versionFloor, entry.version);
  }
}

/** A pair as it is kept: the strings of its value rather than the caller's object, and nothing parsed. */
class MemoryEntry {
  private readonly encoding: Encoding;
  private readonly data: string;

  constructor(
    value: Value,
    readonly version: number,
    readonly expiresAtMs: number | undefined,
  ) {
    this.encoding = value.encoding;
    this.data = value.data;
  }

  get value(): Value {
    return brandValue({ encoding: this.encoding, data: this.data });
  }

  toPair(id: KeyId): EnginePair {
    return { id, value: this.value, version: this.version, expiresAtMs: this.expiresAtMs };
  }
}
