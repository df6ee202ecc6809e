export { Command, freePorts, run, type CommandOptions, type Result } from './command.js';
export { proxyScript, storageNodeScript, workspaceRoot } from './scripts.js';
export { ServerProcess, type Exit, type ServerProcessOptions } from './server-process.js';
