import { strict as assert } from 'node:assert';
import { capabilitiesOf } from '../engine/storage-engine.js';
import type { EngineSuiteOptions } from './engine-suite-options.js';
import { ManualClock } from './manual-clock.js';
import { globalRunner, type TestRunner } from './runner.js';
import type { EngineTest, Trait } from './trait.js';
import { batches } from './traits/batches.js';
import { largeAnswers } from './traits/large-answers.js';
import { binarySafety } from './traits/binary-safety.js';
import { identity } from './traits/identity.js';
import { lifecycle } from './traits/lifecycle.js';
import { limits } from './traits/limits.js';
import { model } from './traits/model.js';
import { replicationModel } from './traits/replication-model.js';
import { replication, replicationReopening } from './traits/replication.js';
import { reopening } from './traits/reopening.js';
import { scansAsJson } from './traits/scans-as-json.js';
import { scans } from './traits/scans.js';
import { scansUnderWrites } from './traits/scans-under-writes.js';
import { isolation, sharing } from './traits/sharing.js';
import { stats } from './traits/stats.js';
import { timeToLive } from './traits/time-to-live.js';
import { versions } from './traits/versions.js';

/**
 * Registers the tests that every storage engine passes, one for each promise of the `StorageEngine` contract. They
 * use node:assert, and each test has its own engine and clock, so any runner works.
 *
 * @param runner registers the tests; default: the global `describe` and `it`
 */
export function describeStorageEngine(name: string, options: EngineSuiteOptions, runner?: TestRunner): void {
  const { describe, it } = runner ?? globalRunner();
  describe(name, () => {
    for (const { title, tests } of traitsFor(options)) {
      describe(title, () => {
        for (const [promise, test] of Object.entries(tests)) it(promise, () => runTest(test, options));
      });
    }
  });
}

const TRAITS: readonly Trait[] = [
  identity,
  binarySafety,
  batches,
  largeAnswers,
  versions,
  timeToLive,
  scans,
  scansUnderWrites,
  scansAsJson,
  stats,
  lifecycle,
  model,
];

function traitsFor(options: EngineSuiteOptions): readonly Trait[] {
  const { reopen, openAnother, createBounded, replicates } = options;
  return [
    ...TRAITS,
    openAnother === undefined ? isolation : sharing,
    ...(reopen === undefined ? [] : [reopening]),
    ...(replicates === undefined ? [] : [replication, replicationModel]),
    ...(replicates === 'across restarts' ? [replicationReopening] : []),
    ...(createBounded === undefined ? [] : [limits]),
  ];
}

async function runTest(test: EngineTest, options: EngineSuiteOptions): Promise<void> {
  const clock = new ManualClock();
  try {
    const engine = await options.create({ clock });
    try {
      const { durable, shared } = capabilitiesOf(engine);
      assert.equal(
        durable,
        options.reopen !== undefined,
        'reopen is given for a durable engine, and only for one',
      );
      assert.equal(
        shared,
        options.openAnother !== undefined,
        'openAnother is given for a shared engine, and only for one',
      );
      assert.equal(
        engine.replication !== undefined,
        options.replicates !== undefined,
        'replicates is given for an engine with replication, and only for one',
      );
      await test({ engine, clock, options });
    } finally {
      await engine.close();
    }
  } finally {
    await options.dispose?.();
  }
}
