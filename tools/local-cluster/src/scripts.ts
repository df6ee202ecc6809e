import { join } from 'node:path';

export const workspaceRoot = join(import.meta.dirname, '../../..');

/** The built apps. */
export const storageNodeScript = join(workspaceRoot, 'apps/storage-node/dist/main.js');
export const proxyScript = join(workspaceRoot, 'apps/proxy/dist/main.js');
