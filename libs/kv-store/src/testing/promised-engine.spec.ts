import { MemoryEngine } from '../engine/memory/memory-engine.js';
import { describeStorageEngine } from './describe-storage-engine.js';
import { promisedEngine } from './promised-engine.js';

describeStorageEngine('an engine that answers by promise', {
  create: async ({ clock }) => promisedEngine(new MemoryEngine({ clock })),
  replicates: 'while open',
});
