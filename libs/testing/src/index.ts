export { startKvs, type KvsOptions, type RunningKvs } from './start-kvs.js';
