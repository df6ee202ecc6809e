export type { ClusterView, NodeView } from './cluster-view.js';
export type { FailoverOptions } from './failover.js';
export type { NodeTally } from './node-tallies.js';
export { Router, type RouterOptions } from './router.js';
export { FixedNodes, type PartitionRoute, type RouteChanges, type RoutingTable } from './routing-table.js';
export { TopologyTable } from './topology-table.js';
export * from './transport.js';
