import type { Contender } from './contender.js';
import { nodeServer } from './node-server.js';

/** What everything is compared with: the least that a JSON store of one node:http process has to do. */
export const raw: Contender = nodeServer('raw', 'raw-server');

/** The same, but requests that arrive in one turn of the event loop are answered together. */
export const rawDeferred: Contender = nodeServer('raw, deferred', 'raw-server', ['--deferred']);
