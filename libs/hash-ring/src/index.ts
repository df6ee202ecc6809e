export { HashRingError, type HashRingErrorCode } from './errors.js';
export { hash32, type Hash32 } from './hash.js';
export { type NodeInput, type NodeSpec, type RingNode } from './node.js';
export { PARTITION_COUNT, partitionOf } from './partition.js';
export { HashRing } from './ring.js';
