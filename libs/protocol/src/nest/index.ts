export * from './batch.pipe.js';
export * from './dto.js';
export * from './explain.js';
export * from './openapi.js';
export * from './problem.filter.js';
