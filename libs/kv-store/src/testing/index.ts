export * from './altered-engine.js';
export * from './describe-storage-engine.js';
export * from './engine-suite-options.js';
export * from './manual-clock.js';
export * from './promised-engine.js';
export * from './runner.js';
