export type { ClusterView, NodeView } from './cluster-view.js';
export type { NodeTally } from './node-tallies.js';
export * from './node-transport.js';
export { Router } from './router.js';
