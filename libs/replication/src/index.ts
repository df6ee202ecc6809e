export type * from './messages.js';
export type * from './ports.js';
export { isSame, START, type Position } from './position.js';
export {
  DEFAULT_TIMES,
  MAX_TAIL_BYTES,
  RULES,
  SLOW_TAIL_BYTES,
  type ReplicaSettings,
  type ReplicaTimes,
  type Rule,
} from './settings.js';
