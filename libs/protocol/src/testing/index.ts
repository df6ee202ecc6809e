export { fieldsOf } from './fields-of.js';
export { freePorts, isPortFree } from './free-ports.js';
export { linesFrom, MapOperations } from './map-operations.js';
export { ManualTime } from './manual-time.js';
export { until } from './until.js';
export { WatchedProcess, type Exit, type WatchedProcessOptions } from './watched-process.js';
