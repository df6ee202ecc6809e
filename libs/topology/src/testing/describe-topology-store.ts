import { strict as assert } from 'node:assert';
import { newTopology, raiseVersionCeiling, type Topology, type TopologyStore } from '../index.js';

/** A store under test, and how to lose and find it again. */
export interface TopologyStoreFixture {
  readonly store: TopologyStore;
  /** Opens the same store again after `store.close()`; undefined for a store that keeps nothing. */
  readonly reopen?: () => Promise<TopologyStore>;
  readonly cleanUp: () => Promise<void>;
}

/** The functions of a test runner that the suite needs. Those of Jest, Vitest and node:test fit. */
export interface TestRunner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly it: (title: string, body: () => Promise<void>) => unknown;
}

const first = newTopology({ clusterId: 'c', copies: 2, minInSync: 1 });
const next = (topology: Topology) => raiseVersionCeiling(topology, topology.versionCeiling + 1);

/** The promises of the {@link TopologyStore} contract, each with its test. */
const TESTS: Readonly<Record<string, (fixture: TopologyStoreFixture) => Promise<void>>> = {
  async 'has nothing at first'({ store }) {
    assert.equal(await store.read(), undefined);
  },

  async 'reads what was written last'({ store }) {
    assert.equal(await store.replace(first), true);
    assert.deepEqual(await store.read(), first);
    assert.equal(await store.replace(next(first)), true);
    assert.deepEqual(await store.read(), next(first));
  },

  async 'refuses a document that does not follow the present one, and keeps that'({ store }) {
    assert.equal(await store.replace(next(first)), false);
    assert.equal(await store.read(), undefined);
    await store.replace(first);
    assert.equal(await store.replace(first), false);
    assert.equal(await store.replace(next(next(first))), false);
    assert.deepEqual(await store.read(), first);
  },

  async 'lets one of several changes at once win'({ store }) {
    await store.replace(first);
    const wins = await Promise.all(Array.from({ length: 8 }, () => store.replace(next(first))));
    assert.equal(wins.filter(Boolean).length, 1);
    assert.deepEqual(await store.read(), next(first));
  },

  async 'tells watchers of a change, until they have enough'({ store }) {
    let endWatch = (): void => undefined;
    const changed = new Promise<void>((resolve) => (endWatch = store.watch(resolve)));
    await store.replace(first);
    await changed;
    endWatch();
    let calls = 0;
    store.watch(() => calls++)();
    const seen = new Promise<void>((resolve) => store.watch(resolve));
    await store.replace(next(first));
    await seen;
    assert.equal(calls, 0);
  },

  async 'lets a process lead, and again'({ store }) {
    assert.equal(await store.claimLead('one'), 'one');
    assert.equal(await store.claimLead('one'), 'one');
  },

  async 'lets another process lead once the first has resigned'({ store }) {
    await store.claimLead('one');
    await store.resignLead();
    assert.equal(await store.claimLead('two'), 'two');
  },

  async 'lets another process lead in place of the one that it names'({ store }) {
    await store.claimLead('one');
    assert.equal(await store.claimLead('two', 'one'), 'two');
    assert.equal(await store.claimLead('two'), 'two');
  },

  async 'is unavailable when it is closed'({ store }) {
    await store.close();
    const unavailable = { name: 'KvsError', code: 'store_unavailable' };
    await assert.rejects(store.read(), unavailable);
    await assert.rejects(store.replace(first), unavailable);
    await assert.rejects(store.claimLead('one'), unavailable);
    await assert.rejects(store.resignLead(), unavailable);
  },

  async 'has what was acknowledged when it is opened again, if it keeps anything'({ store, reopen }) {
    await store.replace(first);
    if (reopen === undefined) return assert.deepEqual(await store.read(), first);
    await store.close();
    const reopened = await reopen();
    try {
      assert.deepEqual(await reopened.read(), first);
      assert.equal(await reopened.replace(next(first)), true);
    } finally {
      await reopened.close();
    }
  },
};

/**
 * Registers the tests that every {@link TopologyStore} passes. Each has a store of its own.
 *
 * @param runner registers the tests; default: the global `describe` and `it`
 */
export function describeTopologyStore(
  name: string,
  create: () => Promise<TopologyStoreFixture>,
  { describe, it }: TestRunner = globalRunner(),
): void {
  describe(name, () => {
    for (const [promise, test] of Object.entries(TESTS)) {
      it(promise, async () => {
        const fixture = await create();
        try {
          await test(fixture);
        } finally {
          await fixture.store.close();
          await fixture.cleanUp();
        }
      });
    }
  });
}

function globalRunner(): TestRunner {
  const describe: unknown = Reflect.get(globalThis, 'describe');
  const it: unknown = Reflect.get(globalThis, 'it');
  if (isFunction(describe) && isFunction(it)) return { describe, it };
  throw new TypeError('this test runner has no global describe and it: pass { describe, it }');
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}
