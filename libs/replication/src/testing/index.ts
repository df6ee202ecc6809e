export * from './engine-double.js';
