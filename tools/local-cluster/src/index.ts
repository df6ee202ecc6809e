export { proxyScript, storageNodeScript } from './scripts.js';
export { ServerProcess, type Exit, type ServerProcessOptions } from './server-process.js';
