import { systemTimers, type Scheduler } from '@kvs/protocol';
import type { EngineFactoryOptions } from '../storage-engine.js';
import { EVICTIONS, type Eviction } from './eviction/eviction-policy.js';
import { defaultMaxMemoryBytes, MIN_MAX_MEMORY_BYTES } from './memory-limits.js';

/** Options of a memory engine. */
export interface MemoryEngineOptions extends EngineFactoryOptions {
  /**
   * The bytes at which the engine is full, at least {@link MIN_MAX_MEMORY_BYTES}. Default: three quarters of Node's heap limit, less in
   * a small container.
   */
  readonly maxMemoryBytes?: number;
  /** How a full engine frees memory: `none` refuses writes, the others evict pairs. Default `none`. */
  readonly eviction?: Eviction;
  /** Runs background work. Default: the system's timers. */
  readonly scheduler?: Scheduler;
}

export function completeOptions(options: MemoryEngineOptions): Required<MemoryEngineOptions> {
  const { clock, scheduler = systemTimers, eviction = 'none' } = options;
  const { maxMemoryBytes = defaultMaxMemoryBytes() } = options;
  if (!Number.isSafeInteger(maxMemoryBytes) || maxMemoryBytes < MIN_MAX_MEMORY_BYTES)
    throw new RangeError(
      `maxMemoryBytes is a whole number from ${MIN_MAX_MEMORY_BYTES}, not ${maxMemoryBytes}`,
    );
  if (!EVICTIONS.includes(eviction))
    throw new TypeError(`eviction is one of ${EVICTIONS.join(', ')}, not ${String(eviction)}`);
  return { clock, scheduler, eviction, maxMemoryBytes };
}
