import { setImmediate } from 'node:timers/promises';
import { brandKey, keyFromId, keyId, type KeyId } from '@kvs/protocol';
import type { Clock } from '../clock.js';
import type { EngineReplication } from '../engine/engine-replication.js';
import type { EngineKey, EnginePair, EngineWriteOutcome } from '../engine/engine-data.js';
import type { EngineFactory, StorageEngine } from '../engine/storage-engine.js';
import { MemoryEngine } from '../engine/memory/memory-engine.js';
import { conditionHolds } from '../engine/rules.js';
import { alteredEngine } from './altered-engine.js';
import { describeStorageEngine } from './describe-storage-engine.js';
import type { EngineSuiteOptions } from './engine-suite-options.js';
import { promisedReplication } from './promised-engine.js';

const DURABLE: Partial<StorageEngine> = { capabilities: { durable: true } };

const FAULTY_ENGINES: Record<string, { create: EngineFactory; found: string }> = {
  'an engine ignores the encoding of a key': {
    create: altered((engine) => ({
      getMany: (keys) => engine.getMany(keys.map(asText)),
      hasMany: (keys) => engine.hasMany(keys.map(asText)),
      setMany: (writes) => engine.setMany(writes.map(asText)),
    })),
    found: 'identity of keys and values: a string key and a binary key of the same data are two keys',
  },
  'an engine ignores conditions': {
    create: altered((engine) => ({
      setMany: (writes) => engine.setMany(writes.map((item) => ({ ...item, ifVersion: undefined }))),
    })),
    found: 'versions and conditions: if_version n writes that version only',
  },
  'an engine checks a condition before it writes, and not when': {
    create: altered((engine) => ({
      setMany: async (writes) => {
        const outcomes = engine.getMany(writes);
        const versions = outcomes.map((outcome) => (outcome.status === 'found' ? outcome.version : 0));
        await setImmediate();
        return writes.map((item, index): EngineWriteOutcome => {
          const actualVersion = versions[index] ?? 0;
          if (!conditionHolds(item.ifVersion, actualVersion))
            return { status: 'version_mismatch', actualVersion };
          return only(engine.setMany([{ ...item, ifVersion: undefined }]));
        });
      },
    })),
    found: 'versions and conditions: of several writers with the same condition one wins',
  },
  'an engine takes the time alone for a version': {
    create: altered((engine, clock) => ({
      setMany: (writes) =>
        engine
          .setMany(writes)
          .map((outcome) =>
            outcome.status === 'written' ? { ...outcome, version: clock.nowMicros() } : outcome,
          ),
    })),
    found: 'versions and conditions: versions grow across a delete while the clock stands still',
  },
  'an engine takes an expired pair for a present one': {
    create: altered((engine) => {
      const known = new Set<KeyId>();
      return {
        setMany: (writes) =>
          engine.setMany(writes).map((outcome, index) => {
            const id = writes[index]?.id;
            if (outcome.status !== 'written' || id === undefined) return outcome;
            const created = !known.has(id);
            known.add(id);
            return { ...outcome, created };
          }),
      };
    }),
    found: 'time to live: a write over an expired pair creates the pair',
  },
  'an engine keeps pairs too long': {
    create: altered((engine) => ({
      setMany: (writes) =>
        engine.setMany(
          writes.map((item) => ({ ...item, expiresAtMs: item.expiresAtMs && item.expiresAtMs + 1 })),
        ),
    })),
    found: 'time to live: a pair is absent to a query from the moment it expires',
  },
  'an engine knows no limit of an answer': {
    create: altered((engine) => ({ getMany: (keys) => engine.getMany(keys) })),
    found: 'large answers: an answer beyond its limit is refused, for values of any kind',
  },
  'an engine scans a partition in one chunk': {
    create: altered((engine) => ({
      async *scan(partitions, options) {
        for (const partition of partitions) {
          const pairs: EnginePair[] = [];
          for await (const chunk of engine.scan([partition], options)) pairs.push(...chunk.pairs);
          if (pairs.length > 0) yield { partition, pairs };
        }
      },
    })),
    found: 'scans: a large partition comes in chunks of bounded count',
  },
  'an engine says nothing while a scan finds nothing': {
    create: altered((engine) => ({
      async *scan(partitions, options) {
        for await (const chunk of engine.scan(partitions, options)) if (chunk.pairs.length > 0) yield chunk;
      },
    })),
    found: 'scans: a scan that finds nothing for long has empty chunks, at which it can end early',
  },
  'an engine repeats what is written while it scans': {
    create: altered((engine) => ({
      async *scan(partitions, options) {
        const versions = new Map<KeyId, number>();
        for await (const chunk of engine.scan(partitions, options)) {
          yield chunk;
          for (const { id, version } of chunk.pairs) versions.set(id, version);
        }
        for await (const { partition, pairs } of engine.scan(partitions, options)) {
          yield {
            partition,
            pairs: pairs.filter(({ id, version }) => version > (versions.get(id) ?? version)),
          };
        }
      },
    })),
    found: 'scans while pairs are written: overwrites neither repeat nor lose a pair',
  },
  'an engine writes JSON of its own': {
    create: altered((engine) => ({
      async *scanJson(partitions, options) {
        for await (const chunk of engine.scanJson(partitions, options))
          yield Buffer.from(Buffer.from(chunk).toString().replaceAll('\\u0000', '\\u{0}'));
      },
    })),
    found: 'scans as JSON: every character and byte is written as JSON.stringify writes it',
  },
  'an engine ends a scan as if it were complete': {
    create: altered((engine) => ({
      async *scan(partitions, options) {
        try {
          yield* engine.scan(partitions, options);
        } catch {
          return;
        }
      },
    })),
    found: 'lifecycle: a scan that is open when the engine closes fails rather than ends',
  },
};

/** A key that no test uses. */
const UNUSED = keyId(brandKey({ encoding: 'string', data: 'unused' }));

const FAULTY_REPLICATIONS: Record<
  string,
  { change: (role: EngineReplication) => Partial<EngineReplication>; found: string }
> = {
  'an engine counts batches rather than items': {
    change: (role) => ({
      async write(partition, writes, epoch) {
        const { number } = role.position(partition);
        const outcomes = await role.write(partition, writes, epoch);
        await role.apply(
          partition,
          [{ id: UNUSED, entry: undefined, position: { epoch, number: number + 1 } }],
          0,
        );
        return outcomes;
      },
    }),
    found: 'each written item advances the position by one, and a refused one does not',
  },
  'an engine takes no notice of the highest version of the other copy': {
    change: (role) => ({ apply: (partition, effects) => role.apply(partition, effects, 0) }),
    found: 'versions go on above those of the other copy',
  },
  'a fill leaves pairs that the other copy does not have': {
    change: () => ({ clear: () => ({ status: 'applied' }) }),
    found: 'a cleared partition has no pairs and the given position, and a fill leaves the position as it is',
  },
};

describe('the conformance suite', () => {
  it('runs on any runner that has describe and it, and finds no fault with a good engine', async () => {
    expect(await faults({ create: altered(() => ({})) })).toEqual([]);
  });

  it('asks for reopen where an engine says that it is durable', async () => {
    expect(await faults({ create: altered(() => DURABLE) })).not.toEqual([]);
  });

  it('asks for openAnother where an engine says that it is shared', async () => {
    expect(await faults({ create: altered(() => ({ capabilities: { shared: true } })) })).not.toEqual([]);
  });

  it('finds that a shared engine keeps its pairs to itself', async () => {
    const create = altered(() => ({ capabilities: { shared: true } }));
    expect(await faults({ create, openAnother: create }, (name) => name.startsWith('sharing: '))).toContain(
      'sharing: a write through one engine is seen through the other',
    );
  });

  it('finds that engines share pairs and do not say so', async () => {
    let first: MemoryEngine | undefined;
    const create: EngineFactory = ({ clock }) => (first ??= new MemoryEngine({ clock }));
    const found = await faults({ create, dispose: () => (first = undefined) }, (name) =>
      name.startsWith('isolation: '),
    );
    expect(found).toEqual(['isolation: two engines share no pair']);
  });

  it('finds that a durable engine forgets', async () => {
    const create = altered(() => DURABLE);
    const found = await faults({ create, reopen: create });
    expect(found).toContain('reopening: pairs are unchanged');
    expect(found.every((name) => name.startsWith('reopening: '))).toBe(true);
  });

  it('cleans up after each test', async () => {
    const ended: string[] = [];
    const create = altered((engine) => ({
      close: () => {
        engine.close();
        ended.push('closed');
      },
    }));
    await faults({ create, dispose: () => void ended.push('disposed') });
    expect(ended.at(-2)).toBe('closed');
    expect(ended.at(-1)).toBe('disposed');
  });

  it.each(Object.entries(FAULTY_REPLICATIONS))('finds that %s', async (_, { change, found }) => {
    const create: EngineFactory = ({ clock }) => {
      const engine = new MemoryEngine({ clock });
      const replication = promisedReplication(engine.replication, change(engine.replication));
      return alteredEngine(engine, { replication });
    };
    const title = `replication: ${found}`;
    expect(await faults({ create, replicates: 'while open' }, (name) => name === title)).toEqual([title]);
  });

  it('asks for replicates where an engine has replication', async () => {
    const create = altered(({ replication }) => ({ replication }));
    expect(await faults({ create }, (name) => name.startsWith('batches: '))).not.toEqual([]);
  });

  it.each(Object.entries(FAULTY_ENGINES))('finds that %s', async (_, { create, found }) => {
    expect(await faults({ create }, (name) => name === found)).toEqual([found]);
  });
});

/** The memory engine with some of its methods replaced. */
function altered(change: (engine: MemoryEngine, clock: Clock) => Partial<StorageEngine>): EngineFactory {
  return ({ clock }) => {
    const engine = new MemoryEngine({ clock });
    return alteredEngine(engine, change(engine, clock));
  };
}

/** Runs the suite by itself: the names of the tests that fail. */
async function faults(
  options: EngineSuiteOptions,
  isWanted: (name: string) => boolean = () => true,
): Promise<string[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  let title = '';
  describeStorageEngine('an engine', options, {
    describe: (name, body) => {
      title = name;
      body();
    },
    it: (name, body) => tests.push({ name: `${title}: ${name}`, body }),
  });
  const found: string[] = [];
  for (const { name, body } of tests.filter((test) => isWanted(test.name)))
    await body().catch(() => found.push(name));
  return found;
}

function asText<T extends EngineKey>(item: T): T {
  return { ...item, id: keyId(brandKey({ encoding: 'string', data: keyFromId(item.id).data })) };
}

function only<T>(outcomes: readonly T[]): T {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new RangeError('expected an outcome');
  return outcome;
}
