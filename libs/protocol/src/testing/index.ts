export { fieldsOf } from './fields-of.js';
export { until } from './until.js';
