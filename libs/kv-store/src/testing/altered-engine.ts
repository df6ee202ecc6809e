import type { StorageEngine } from '../engine/storage-engine.js';

/** Returns an engine with some of its methods replaced, to test how others handle its failures. */
export function alteredEngine(engine: StorageEngine, changes: Partial<StorageEngine>): StorageEngine {
  return {
    name: engine.name,
    capabilities: engine.capabilities,
    getMany: (keys, maxBytes) => engine.getMany(keys, maxBytes),
    hasMany: (keys) => engine.hasMany(keys),
    setMany: (writes) => engine.setMany(writes),
    deleteMany: (deletes) => engine.deleteMany(deletes),
    scan: (partitions, options) => engine.scan(partitions, options),
    ...(engine.scanJson && { scanJson: engine.scanJson.bind(engine) }),
    ...(engine.obstacle && { obstacle: engine.obstacle.bind(engine) }),
    stats: () => engine.stats(),
    close: () => engine.close(),
    ...changes,
  };
}
