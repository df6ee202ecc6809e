export { areComplete, ClusterState } from './cluster-state.js';
export { Command, run, type CommandOptions, type Result } from './command.js';
export { LocalCluster } from './local-cluster.js';
export { startNode, startProxy, type LocalServer } from './local-server.js';
export { proxyScript, storageNodeScript, workspaceRoot } from './scripts.js';
export { ServerProcess, type ServerProcessOptions } from './server-process.js';
