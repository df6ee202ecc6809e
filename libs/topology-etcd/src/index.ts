export type { EtcdUser } from './etcd-gateway.js';
export { EtcdTopologyStore, type EtcdOptions } from './etcd-topology-store.js';
