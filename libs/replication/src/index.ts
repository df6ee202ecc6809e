export type * from './messages.js';
export type * from './ports.js';
export { isSame, START_POSITION, type Position } from './position.js';
export { DEFAULT_TIMES, RULES, type ReplicaSettings, type ReplicaTimes, type Rule } from './settings.js';
export type { Role } from './partition.js';
export { Replica, type CopyFailure } from './replica.js';
export { LeaseClock } from './driver/lease-clock.js';
export { NodeReplica, type NodeReplicaOptions } from './driver/node-replica.js';
export type { ControlPlane } from './driver/proxy-requests.js';
