export { readExposition, type Samples } from './exposition.js';
export { silentLogger } from './silent-logger.js';
