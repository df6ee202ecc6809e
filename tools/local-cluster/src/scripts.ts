import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** Where the build puts the apps. */
export const storageNodeScript = join(root, 'apps/storage-node/dist/main.js');
export const proxyScript = join(root, 'apps/proxy/dist/main.js');
