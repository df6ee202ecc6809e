export { Command, run, type CommandOptions, type Result } from './command.js';
export { proxyScript, storageNodeScript, workspaceRoot } from './scripts.js';
export { ServerProcess, type ServerProcessOptions } from './server-process.js';
