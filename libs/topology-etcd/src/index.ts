export { EtcdTopologyStore, type EtcdOptions } from './etcd-topology-store.js';
