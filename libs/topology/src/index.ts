export { changeEntry, type EntryChange } from './entry-changes.js';
export { TopologyError, type TopologyErrorCode } from './errors.js';
export { FileTopologyStore, type FileLock } from './file-topology-store.js';
export { MemoryTopologyStore } from './memory-topology-store.js';
export {
  applyRequests,
  changedPartitions,
  raiseVersionCeiling,
  registerNode,
  removeNode,
  updateNode,
  type EntryRequest,
  type NodeIdentity,
  type RequestedChanges,
} from './topology-changes.js';
export { isBootId, topologyFromJson, topologyToJson } from './topology-json.js';
export type { TopologyStore } from './topology-store.js';
export {
  hasRole,
  MAX_COPIES,
  newTopology,
  NODE_STATES,
  nodeOfBoot,
  type BootId,
  type ClusterSettings,
  type NodeState,
  type PartitionEntry,
  type Topology,
  type TopologyNode,
} from './topology.js';
