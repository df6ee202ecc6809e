export { readExposition, type Samples } from './exposition.js';
