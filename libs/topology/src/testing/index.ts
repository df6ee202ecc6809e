export { describeTopologyStore, type TopologyStoreFixture } from './describe-topology-store.js';
export { boot, PlannedCluster, reportOf, type PlannedNode } from './planned-cluster.js';
