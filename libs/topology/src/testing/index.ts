export { describeTopologyStore, type TopologyStoreFixture } from './describe-topology-store.js';
