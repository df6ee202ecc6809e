// A process that cannot open its store, because the address space is smaller than the map. LMDB throws, or crashes.
import { systemClock } from '@kvs/kv-store';
import { LmdbEngine } from '../dist/index.js';

const [directory] = process.argv.slice(2);
await LmdbEngine.open({ directory, clock: systemClock, mapSizeBytes: 2 ** 52 });
