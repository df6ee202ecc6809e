export * from './lmdb-engine.js';
export * from './lmdb-engine-options.js';
