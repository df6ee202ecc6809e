export { EtcdProcess, hasEtcd } from './etcd-process.js';
