import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import { keyFromId, stringValue } from '@kvs/protocol';
import {
  START_POSITION,
  type EngineEffect,
  type EngineReplication,
} from '../../engine/engine-replication.js';
import type { EnginePair } from '../../engine/engine-data.js';
import { capabilitiesOf, type StorageEngine } from '../../engine/storage-engine.js';
import {
  createdOf,
  get,
  numbered,
  PARTITION,
  placed,
  read,
  removal,
  remove,
  scanPairs,
  set,
  versionOf,
  write,
} from '../pairs.js';
import { isUnavailable } from './lifecycle.js';
import type { EngineTestBench, Trait } from '../trait.js';

const EPOCH = 5;
const OTHER_PARTITION = 9;
/** Higher than every version that the clock of a test gives. */
const HIGH_VERSION = 2 ** 52;

/** The promises of an engine that keeps positions. */
export const replication: Trait = {
  title: 'replication',
  tests: {
    'a boot id stays until it is renewed': async (bench) => {
      const role = await started(bench);
      const identity = await role.start();
      assert.equal(identity.starts, 1);
      assert.deepEqual(await role.start(), identity);
      const renewed = await role.renewBootId();
      assert.notEqual(renewed.bootId, identity.bootId);
      assert.equal(renewed.starts, 1);
      assert.deepEqual(await role.start(), renewed);
    },
    'a partition without effects has the start position and is not complete': async (bench) => {
      const role = await started(bench);
      assert.deepEqual(role.position(PARTITION), START_POSITION);
      assert.equal(role.versionFloor(PARTITION), 0);
      assert.deepEqual(role.completePartitions(), []);
    },
    'each written item advances the position by one, and a refused one does not': async (bench) => {
      const role = await started(bench);
      const outcomes = await role.write(
        PARTITION,
        [write('a'), write('b', 'v', { ifVersion: 1 }), write('c', 'v', { ifVersion: 0 })],
        EPOCH,
      );
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['written', 'version_mismatch', 'written'],
      );
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH, number: 2 });
      assert.deepEqual(role.position(OTHER_PARTITION), START_POSITION);
      await role.write(PARTITION, [write('a')], EPOCH + 1);
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH + 1, number: 3 });
      assert.equal(await read(bench.engine, 'c'), 'v');
    },
    'each deleted item advances the position, and an absent one only if the engine evicts': async (bench) => {
      const role = await started(bench);
      await role.write(PARTITION, [write('a'), write('b')], EPOCH);
      const outcomes = await role.delete(
        PARTITION,
        [removal('a'), removal('b', { ifVersion: 1 }), removal('c'), removal('b')],
        EPOCH,
      );
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['deleted', 'version_mismatch', 'absent', 'deleted'],
      );
      const number = capabilitiesOf(bench.engine).evicts ? 5 : 4;
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH, number });
    },
    'an empty batch changes nothing': async (bench) => {
      const role = await started(bench);
      assert.deepEqual(await role.write(PARTITION, [], EPOCH), []);
      assert.deepEqual(await role.delete(PARTITION, [], EPOCH), []);
      assert.deepEqual(await role.apply(PARTITION, [], 0), { status: 'applied' });
      assert.deepEqual(role.position(PARTITION), START_POSITION);
    },
    'the highest version is that of the newest write, also when its pair is gone': async (bench) => {
      const role = await started(bench);
      for (const key of ['a', 'b', 'a']) {
        const [outcome] = await role.write(PARTITION, [write(key)], EPOCH);
        assert.equal(role.versionFloor(PARTITION), versionOf(outcome));
      }
      const before = role.versionFloor(PARTITION);
      await role.delete(PARTITION, [removal('a')], EPOCH);
      assert.equal(role.versionFloor(PARTITION), before);
    },
    'effects are applied in order, with their versions and deadlines, and without conditions': async (
      bench,
    ) => {
      const role = await started(bench);
      await role.write(PARTITION, [write('old'), write('gone')], EPOCH);
      const expiresAtMs = bench.clock.nowMs() + 1000;
      const effects = [
        effect('new', 1, 3, { expiresAtMs }),
        effect('old', 2, 4),
        effect('old', 3, 5),
        { ...effect('gone', 0, 6), entry: undefined },
        { ...effect('never there', 0, 7), entry: undefined },
      ];
      assert.deepEqual(await role.apply(PARTITION, effects, HIGH_VERSION), { status: 'applied' });
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH, number: 7 });
      assert.equal(role.versionFloor(PARTITION), HIGH_VERSION);
      assert.deepEqual(await contents(bench.engine), { new: 1, old: 3 });
      const entry = await get(bench.engine, 'new');
      assert.deepEqual([entry?.value, entry?.expiresAtMs], [stringValue('v1'), expiresAtMs]);
    },
    'an effect that has expired already leaves the pair absent': async (bench) => {
      const role = await started(bench);
      await role.write(PARTITION, [write('key')], EPOCH);
      const expiresAtMs = bench.clock.nowMs();
      await role.apply(PARTITION, [effect('key', HIGH_VERSION, 2, { expiresAtMs })], HIGH_VERSION);
      assert.equal(await read(bench.engine, 'key'), undefined);
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH, number: 2 });
    },
    'versions go on above those of the other copy': async (bench) => {
      const role = await started(bench);
      await role.apply(PARTITION, [effect('key', 1, 1)], HIGH_VERSION);
      const [outcome] = await role.write(PARTITION, [write('absent')], EPOCH);
      assert.equal(versionOf(outcome), HIGH_VERSION + 1);
    },
    'a raised floor is below all later versions, and a lower one changes nothing': async (bench) => {
      const role = await started(bench);
      const expiring = write('expired', 'v', { expiresAtMs: bench.clock.nowMs() + 10 });
      await role.write(PARTITION, [write('present'), expiring], EPOCH);
      bench.clock.advanceMs(10);
      await role.apply(PARTITION, [], HIGH_VERSION);
      await role.apply(PARTITION, [], 1);
      assert.equal(role.versionFloor(PARTITION), HIGH_VERSION);
      assert.equal(role.versionFloor(OTHER_PARTITION), 0);
      const keys = ['present', 'expired', 'never there'];
      const outcomes = await role.write(
        PARTITION,
        keys.map((key) => write(key)),
        EPOCH,
      );
      assert.deepEqual(outcomes.map(createdOf), [false, true, true]);
      for (const outcome of outcomes) assert.ok(versionOf(outcome) > HIGH_VERSION);
    },
    'a cleared partition has no pairs and the given position, and a fill leaves the position as it is':
      async (bench) => {
        const role = await started(bench);
        await role.write(PARTITION, [write('old'), write('kept')], EPOCH);
        const position = { epoch: EPOCH, number: 77 };
        assert.deepEqual(await role.clear(PARTITION, position, 'complete'), { status: 'applied' });
        assert.deepEqual(role.position(PARTITION), position);
        assert.deepEqual(await contents(bench.engine), {});
        const expiresAtMs = bench.clock.nowMs() + 1000;
        await role.fill(PARTITION, [pair('kept', 3), pair('new', 4, { expiresAtMs })]);
        assert.deepEqual(await role.fill(PARTITION, [pair('kept', 5)]), { status: 'applied' });
        assert.deepEqual(role.position(PARTITION), position);
        assert.deepEqual(await contents(bench.engine), { kept: 5, new: 4 });
        assert.equal((await get(bench.engine, 'new'))?.expiresAtMs, expiresAtMs);
      },
    'effects after a clear continue at the given position': async (bench) => {
      const role = await started(bench);
      await role.clear(PARTITION, { epoch: EPOCH, number: 77 }, 'complete');
      await role.apply(PARTITION, [effect('key', 4, 78)], 4);
      await role.write(PARTITION, [write('key')], EPOCH + 1);
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH + 1, number: 79 });
    },
    'versions go on above those of a fill': async (bench) => {
      const role = await started(bench);
      await role.clear(PARTITION, START_POSITION, 'complete');
      await role.fill(PARTITION, [pair('key', HIGH_VERSION)]);
      assert.equal(role.versionFloor(PARTITION), HIGH_VERSION);
      const [outcome] = await role.write(PARTITION, [write('absent')], EPOCH);
      assert.equal(versionOf(outcome), HIGH_VERSION + 1);
    },
    'a clear of many pairs touches no other partition, and versions never repeat': async (bench) => {
      const role = await started(bench);
      const keys = numbered(5000);
      const outcomes = await role.write(
        PARTITION,
        keys.map((key) => write(key)),
        EPOCH,
      );
      await role.write(OTHER_PARTITION, [write('other', 'v', { partition: OTHER_PARTITION })], EPOCH);
      const highest = Math.max(...outcomes.map(versionOf));
      assert.deepEqual(await role.clear(PARTITION, START_POSITION, 'complete'), { status: 'applied' });
      assert.deepEqual(await contents(bench.engine), {});
      assert.deepEqual(role.position(PARTITION), START_POSITION);
      assert.equal(role.versionFloor(PARTITION), highest);
      assert.equal(await read(bench.engine, placed('other', OTHER_PARTITION)), 'v');
      assert.deepEqual(role.completePartitions(), [OTHER_PARTITION]);
      const [outcome] = await role.write(PARTITION, [write('key-0')], EPOCH);
      assert.ok(versionOf(outcome) > highest);
    },
    'a partition is not complete and has the start position while its pairs are removed': async (bench) => {
      const role = await started(bench);
      const writes = Array.from({ length: 2000 }, (_, i) => write(`key-${i}`));
      await role.write(PARTITION, writes, EPOCH);
      const position = { epoch: EPOCH, number: 7777 };
      let isRemoved = false;
      const removal = Promise.resolve(role.clear(PARTITION, position, 'complete')).then((outcome) => {
        isRemoved = true;
        return outcome;
      });
      while (!isRemoved) {
        if (role.incompletePartitions().length > 0 || role.position(PARTITION).number === 0)
          assert.deepEqual([role.completePartitions(), role.position(PARTITION)], [[], START_POSITION]);
        await turn();
      }
      assert.deepEqual(await removal, { status: 'applied' });
      assert.deepEqual([role.completePartitions(), role.position(PARTITION)], [[PARTITION], position]);
      assert.deepEqual(await contents(bench.engine), {});
    },
    'a partition with a pair or a position is complete': async (bench) => {
      const role = await started(bench);
      await role.clear(OTHER_PARTITION, { epoch: EPOCH, number: 1 }, 'complete');
      await role.fill(PARTITION, [pair('key', 1)]);
      await role.apply(11, [], HIGH_VERSION);
      assert.deepEqual(role.completePartitions(), [PARTITION, OTHER_PARTITION]);
    },
    'a partition that is being filled is not complete until the fill has ended': async (bench) => {
      const role = await started(bench);
      await role.write(PARTITION, [write('old')], EPOCH);
      const position = { epoch: EPOCH, number: 77 };
      assert.deepEqual(await role.clear(PARTITION, position, 'incomplete'), { status: 'applied' });
      assert.deepEqual(role.position(PARTITION), position);
      assert.deepEqual(await contents(bench.engine), {});
      await role.fill(PARTITION, [pair('kept', 3)]);
      await role.apply(PARTITION, [effect('key', 4, 78)], 4);
      assert.deepEqual([role.completePartitions(), role.incompletePartitions()], [[], [PARTITION]]);
      assert.deepEqual(await role.endFill(PARTITION), { status: 'applied' });
      assert.deepEqual([role.completePartitions(), role.incompletePartitions()], [[PARTITION], []]);
      assert.deepEqual(role.position(PARTITION), { epoch: EPOCH, number: 78 });
    },
    'incomplete partitions are told in ascending order': async (bench) => {
      const role = await started(bench);
      for (const partition of [OTHER_PARTITION, PARTITION])
        await role.clear(partition, START_POSITION, 'incomplete');
      assert.deepEqual(role.incompletePartitions(), [PARTITION, OTHER_PARTITION]);
    },
    'an engine with room is not full': async (bench) => {
      assert.equal((await started(bench)).isFull(), false);
    },
    'after close every operation fails with engine_unavailable': async (bench) => {
      const role = await started(bench);
      await bench.engine.close();
      await isUnavailable(() => role.write(PARTITION, [write('key')], EPOCH));
      await isUnavailable(() => role.delete(PARTITION, [removal('key')], EPOCH));
      await isUnavailable(() => role.apply(PARTITION, [effect('key', 1, 1)], 1));
      await isUnavailable(() => role.fill(PARTITION, [pair('key', 1)]));
      await isUnavailable(() => role.clear(PARTITION, START_POSITION, 'complete'));
      await isUnavailable(() => role.endFill(PARTITION));
      await isUnavailable(() => role.renewBootId());
      await isUnavailable(() => role.position(PARTITION));
      await isUnavailable(() => role.versionFloor(PARTITION));
      await isUnavailable(() => role.completePartitions());
      await isUnavailable(() => role.incompletePartitions());
    },
  },
};

/** The promises of a durable engine that keeps positions, across a restart. */
export const replicationReopening: Trait = {
  title: 'replication after reopening',
  tests: {
    'positions and floors are as they were': async (bench) => {
      const role = await started(bench);
      await role.write(PARTITION, [write('a'), write('b')], EPOCH);
      await role.apply(PARTITION, [], HIGH_VERSION);
      await role.clear(OTHER_PARTITION, { epoch: EPOCH, number: 77 }, 'complete');
      await reopened(bench, async (again) => {
        assert.deepEqual(again.completePartitions(), [PARTITION, OTHER_PARTITION]);
        assert.deepEqual(again.position(PARTITION), { epoch: EPOCH, number: 2 });
        assert.deepEqual(again.position(OTHER_PARTITION), { epoch: EPOCH, number: 77 });
        assert.equal(again.versionFloor(PARTITION), HIGH_VERSION);
        await again.write(PARTITION, [write('c')], EPOCH);
        assert.deepEqual(again.position(PARTITION), { epoch: EPOCH, number: 3 });
      });
    },
    'a partition that was being filled is not complete, and one whose fill has ended is': async (bench) => {
      const role = await started(bench);
      for (const partition of [PARTITION, OTHER_PARTITION])
        await role.clear(partition, START_POSITION, 'incomplete');
      await role.fill(PARTITION, [pair('key', 1)]);
      await role.apply(OTHER_PARTITION, [], HIGH_VERSION);
      await role.fill(OTHER_PARTITION, [pair('other', 1)]);
      await role.endFill(OTHER_PARTITION);
      await reopened(bench, async (again) => {
        assert.deepEqual(again.completePartitions(), [OTHER_PARTITION]);
        assert.deepEqual(again.incompletePartitions(), [PARTITION]);
        await again.clear(PARTITION, START_POSITION, 'complete');
        assert.deepEqual(again.incompletePartitions(), []);
      });
    },
    'the boot id is the same, and the start is counted': async (bench) => {
      const identity = await (await started(bench)).start();
      await reopened(bench, async (again) => {
        assert.deepEqual(await again.start(), { ...identity, starts: 2 });
      });
    },
    'a renewed boot id stays': async (bench) => {
      const identity = await (await started(bench)).renewBootId();
      await reopened(bench, async (again) => {
        assert.deepEqual(await again.start(), { ...identity, starts: 2 });
      });
    },
    'a change without the role makes the boot id and the positions invalid': async (bench) => {
      const role = await started(bench);
      const identity = await role.start();
      await role.write(PARTITION, [write('key')], EPOCH);
      await bench.engine.close();
      const alone = await reopen(bench);
      const version = await set(alone, write('key', 'changed'));
      await alone.close();
      const engine = await reopen(bench);
      try {
        const again = roleOf(engine);
        assert.notEqual((await again.start()).bootId, identity.bootId);
        assert.deepEqual(again.position(PARTITION), START_POSITION);
        assert.equal(again.versionFloor(PARTITION), version);
        assert.equal(await read(engine, 'key'), 'changed');
      } finally {
        await engine.close();
      }
    },
    'a change without the role counts also if it was not answered when the role started': async (bench) => {
      const role = await started(bench);
      const identity = await role.start();
      await role.write(PARTITION, [write('key')], EPOCH);
      await bench.engine.close();
      const engine = await reopen(bench);
      try {
        const change = set(engine, write('other', 'v', { partition: OTHER_PARTITION }));
        const again = roleOf(engine);
        assert.notEqual((await again.start()).bootId, identity.bootId);
        assert.equal(again.versionFloor(OTHER_PARTITION), await change);
        assert.deepEqual(again.position(PARTITION), START_POSITION);
      } finally {
        await engine.close();
      }
    },
    'a change without the role counts also in the process that started the role first': async (bench) => {
      const { bootId } = await (await started(bench)).start();
      await set(bench.engine, write('key'));
      await reopened(bench, async (again) => {
        assert.notEqual((await again.start()).bootId, bootId);
      });
    },
    'a deletion without the role counts as well': async (bench) => {
      const role = await started(bench);
      const { bootId } = await role.start();
      await role.write(PARTITION, [write('key')], EPOCH);
      await remove(bench.engine, 'key');
      await reopened(bench, async (again) => {
        assert.notEqual((await again.start()).bootId, bootId);
        assert.deepEqual(again.position(PARTITION), START_POSITION);
      });
    },
    'an engine that was used without the role keeps its pairs, and goes on above their versions': async (
      bench,
    ) => {
      const version = await set(bench.engine, write('key'));
      await reopened(bench, async (role, engine) => {
        assert.equal(role.versionFloor(PARTITION), version);
        assert.deepEqual(await contents(engine), { key: version });
        assert.deepEqual(role.completePartitions(), [PARTITION]);
      });
    },
  },
};

/** Returns the replication of an engine that has it. */
export function roleOf(engine: StorageEngine): EngineReplication {
  assert.ok(engine.replication !== undefined, 'registered only for engines that replicate');
  return engine.replication;
}

async function started({ engine }: EngineTestBench): Promise<EngineReplication> {
  const role = roleOf(engine);
  await role.start();
  return role;
}

async function reopen({ clock, options }: EngineTestBench): Promise<StorageEngine> {
  assert.ok(options.reopen !== undefined, 'registered only where reopen is given');
  return options.reopen({ clock });
}

async function reopened(
  bench: EngineTestBench,
  use: (role: EngineReplication, engine: StorageEngine) => Promise<void>,
): Promise<void> {
  await bench.engine.close();
  const engine = await reopen(bench);
  try {
    const role = roleOf(engine);
    await role.start();
    await use(role, engine);
  } finally {
    await engine.close();
  }
}

function pair(key: string, version: number, { expiresAtMs }: { expiresAtMs?: number } = {}): EnginePair {
  return { id: placed(key).id, value: stringValue(`v${version}`), version, expiresAtMs };
}

function effect(
  key: string,
  version: number,
  number: number,
  details?: { expiresAtMs: number },
): EngineEffect {
  const { id, ...entry } = pair(key, version, details);
  return { position: { epoch: EPOCH, number }, id, entry };
}

/** Returns the versions of the pairs, by key. */
async function contents(engine: StorageEngine): Promise<Record<string, number>> {
  const pairs = await scanPairs(engine);
  return Object.fromEntries(pairs.map(({ id, version }) => [keyFromId(id).data, version]));
}
