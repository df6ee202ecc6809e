export { describeTopologyStore, type TopologyStoreFixture } from './describe-topology-store.js';
export { PlannedCluster, type PlannedNode } from './planned-cluster.js';
