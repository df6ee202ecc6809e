import { join } from 'node:path';

export const workspaceRoot = join(import.meta.dirname, '../../..');

/** Where the build puts the apps. */
export const storageNodeScript = join(workspaceRoot, 'apps/storage-node/dist/main.js');
export const proxyScript = join(workspaceRoot, 'apps/proxy/dist/main.js');
