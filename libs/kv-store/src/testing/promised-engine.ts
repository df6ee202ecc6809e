import { setImmediate } from 'node:timers/promises';
import type { EngineReplication } from '../engine/engine-replication.js';
import type { StorageEngine } from '../engine/storage-engine.js';

/**
 * Returns the engine with answers by promise, one turn of the event loop later, to test that callers also work with an
 * engine behind a network.
 */
export function promisedEngine(engine: StorageEngine): StorageEngine {
  const { replication } = engine;
  return promised(engine, {
    async *scan(partitions, options) {
      for await (const chunk of engine.scan(partitions, options)) {
        await setImmediate();
        yield chunk;
      }
    },
    scanJson: undefined,
    replication: replication && promisedReplication(replication),
  });
}

/** Returns the replication with answers by promise wherever the contract allows them, and with some of its methods replaced. */
export function promisedReplication(
  replication: EngineReplication,
  changes: Partial<EngineReplication> = {},
): EngineReplication {
  return promised(replication, {
    position: (partition) => replication.position(partition),
    versionFloor: (partition) => replication.versionFloor(partition),
    completePartitions: () => replication.completePartitions(),
    incompletePartitions: () => replication.incompletePartitions(),
    isFull: () => replication.isFull(),
    ...changes,
  });
}

/** Returns the target with all methods answering in a later turn, except for the members in `instead`. */
function promised<T extends object>(target: T, instead: Partial<T>): T {
  return new Proxy(target, {
    get(_, name): unknown {
      if (Object.hasOwn(instead, name)) return Reflect.get(instead, name);
      // Without the proxy as receiver, because it has no private fields.
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]): Promise<unknown> => {
        await setImmediate();
        const answer: unknown = await Reflect.apply(member, target, given);
        await setImmediate();
        return answer;
      };
    },
  });
}
