export { fieldsOf } from './fields-of.js';
export { linesFrom, MapOperations } from './map-operations.js';
export { ManualTime } from './manual-time.js';
export { until } from './until.js';
