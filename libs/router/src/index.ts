export type { ClusterView, NodeView } from './cluster-view.js';
export * from './node-transport.js';
export { Router } from './router.js';
