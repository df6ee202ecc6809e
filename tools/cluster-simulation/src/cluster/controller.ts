import {
  plan,
  raiseVersionCeiling,
  updateNode,
  type BootId,
  type PrimaryOrder,
  type Topology,
} from '@kvs/topology';
import type { SimulatedProxy } from './proxy.js';

/**
 * Asks for what the plan of `@kvs/topology` wants. Each proxy has one, and all of them act at the same time, though only one
 * of them leads in a real cluster.
 */
export class SimulatedController {
  readonly #proxy: SimulatedProxy;
  readonly #expectedNodes: readonly string[];
  readonly #order: (primary: BootId, order: PrimaryOrder) => void;

  /**
   * @param expectedNodes the addresses that the first assignment waits for
   * @param order takes the orders of the controller
   */
  constructor(
    proxy: SimulatedProxy,
    expectedNodes: readonly string[],
    order: (primary: BootId, order: PrimaryOrder) => void,
  ) {
    this.#proxy = proxy;
    this.#expectedNodes = expectedNodes;
    this.#order = order;
  }

  /** Reads the topology, makes a plan, and asks for it. */
  step(): void {
    this.#proxy.refresh((topology) => this.#carryOut(topology));
  }

  #carryOut(topology: Topology): void {
    const proxy = this.#proxy;
    const { requests, orders, activated, versionCeiling } = plan({
      topology,
      statuses: proxy.statuses,
      settings: {
        replaceAfterMs: REPLACE_AFTER_MS,
        whenLost: 'start',
        expectedNodes: this.#expectedNodes,
      },
      nowMs: proxy.process.nowMs(),
      clusterTimeMs: proxy.clock.nowMs(),
      isPaused: (partition, copy) => proxy.isPaused(partition, copy),
    });
    for (const request of requests) proxy.change([request], () => undefined);
    for (const [primary, list] of orders) for (const order of list) this.#order(primary, order);
    if (activated.length === 0 && versionCeiling === undefined) return;
    proxy.update((known) =>
      activated
        .filter((id) => known.nodes.some((node) => node.id === id && node.state === 'joining'))
        .reduce(
          (next, id) => ({ ...updateNode(next, id, { state: 'active' }), revision: known.revision + 1 }),
          raiseVersionCeiling(known, versionCeiling ?? 0),
        ),
    );
  }
}

/** Shorter than by default, because the simulated faults are short. */
const REPLACE_AFTER_MS = 6000;
