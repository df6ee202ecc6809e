export { perishable } from './perishable.js';
