// The tokens for Nest's injection. Each stands for an interface, which has no value at run time.

/** The token of the engine for injection. */
export const STORAGE_ENGINE: unique symbol = Symbol('@kvs/kv-store StorageEngine');
/** The token of the clock for injection. */
export const KVS_CLOCK: unique symbol = Symbol('@kvs/kv-store Clock');
export const KV_STORE_OPTIONS: unique symbol = Symbol('@kvs/kv-store KvStoreOptions');
