export * from './clock.js';
export * from './cluster-clock.js';
export {
  DIRECTORY_LOCK_FILE,
  DirectoryLock,
  TAKEOVER_MS,
  type DirectoryLockOptions,
} from './directory-lock.js';
export * from './engine/engine-data.js';
export * from './engine/engine-replication.js';
export { type Eviction, EVICTIONS } from './engine/memory/eviction/eviction-policy.js';
export * from './engine/memory/memory-engine.js';
export {
  memoryForPairs,
  type MemoryLimits,
  MIN_MAX_MEMORY_BYTES,
  readMemoryLimits,
} from './engine/memory/memory-limits.js';
export type { MemoryEngineOptions } from './engine/memory/memory-options.js';
export * from './engine/memory/snapshot/snapshot-options.js';
export * from './engine/partition-function.js';
export * from './engine/read-each.js';
export * from './engine/rules.js';
export * from './engine/scan-chunk.js';
export * from './engine/storage-engine.js';
export * from './module/kv-store.module.js';
export { engineDelete, engineWrite } from './store/engine-items.js';
export * from './store/kv-store.js';
export { deleteOutcome, setOutcome } from './store/outcomes.js';
export type { StoreChunk, StoredPair } from './store/store-chunk.js';
export { KVS_CLOCK } from './tokens.js';
