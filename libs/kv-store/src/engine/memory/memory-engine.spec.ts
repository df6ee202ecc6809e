import { describeStorageEngine } from '../../testing/index.js';
import { MemoryEngine } from './memory-engine.js';

describeStorageEngine('the memory engine', { create: ({ clock }) => new MemoryEngine({ clock }) });
