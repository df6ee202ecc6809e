export * from './batch.pipe.js';
export * from './problem.filter.js';
