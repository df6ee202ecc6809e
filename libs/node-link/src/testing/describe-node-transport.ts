import type { NodeTransport } from '@kvs/router/transport';
import { FaultyWire } from './faulty-wire.js';
import { HeldStore } from './held-store.js';
import { TestNode } from './test-node.js';
import { transportBatches } from './traits/transport-batches.js';
import { transportFaults } from './traits/transport-faults.js';
import { transportLimits } from './traits/transport-limits.js';
import { transportOrder } from './traits/transport-order.js';
import { transportScans } from './traits/transport-scans.js';
import {
  byKeys,
  type TransportSettings,
  type TransportSuiteOptions,
  type TransportTestBench,
  type TransportTrait,
} from './transport-trait.js';

/** The two functions of a test runner that the suite needs, as Jest, Vitest, Mocha and node:test have them. */
export interface SuiteRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/**
 * The tests that every way to a node passes: the batches of the `NodeTransport` contract, promise by promise, faults
 * of the network included. Assertions are node:assert's, and each test has a node of its own on a free port.
 */
export function describeNodeTransport(
  name: string,
  options: TransportSuiteOptions,
  { describe, it }: SuiteRunner,
): void {
  describe(name, () => {
    for (const { title, tests } of TRAITS) {
      describe(title, () => {
        for (const [promise, test] of Object.entries(tests)) it(promise, () => runTest(test, options));
      });
    }
  });
}

const TRAITS: readonly TransportTrait[] = [
  transportBatches,
  transportOrder,
  transportFaults,
  transportLimits,
  transportScans,
];

const SETTINGS: TransportSettings = { nodeTimeoutMs: 60_000, maxPendingCalls: 1000 };

async function runTest(
  test: (bench: TransportTestBench) => Promise<void>,
  options: TransportSuiteOptions,
): Promise<void> {
  const store = new HeldStore();
  const node = new TestNode(store);
  await node.start();
  const wire = await FaultyWire.open(() => node.port);
  const transports: NodeTransport[] = [];
  try {
    const connect: TransportTestBench['connect'] = (settings, address = wire.address) => {
      const transport = options.connect(address, { ...SETTINGS, ...settings });
      transports.push(transport);
      return byKeys(transport);
    };
    await test({ store, node, wire, connect });
  } finally {
    for (const transport of transports) transport.close();
    await Promise.all([wire.close(), node.kill()]);
  }
}
