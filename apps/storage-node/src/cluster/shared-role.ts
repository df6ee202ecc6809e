import { randomUUID } from 'node:crypto';
import { isBootId, type BootId, type ReportAnswer, type Topology, type TopologyAnswer } from '@kvs/topology';
import type { Candidate, CandidateParts, ClusterRole, OwnReport } from './cluster-role.js';
import type { Operations } from './current-operations.js';

/**
 * Returns the candidate of an engine that shares its pairs with those of other nodes.
 *
 * @param storeId returns the id of the pairs. Pairs without an id get the proposed one
 */
export function candidateWithSharedStore(
  storeId: (proposed: string) => Promise<string>,
  parts: CandidateParts,
): Candidate {
  const bootId: unknown = randomUUID();
  if (!isBootId(bootId)) throw new TypeError('a UUID is no boot id');
  let sharedStore: string = randomUUID();
  return {
    bootId,
    identify: async () => {
      sharedStore = await storeId(sharedStore);
      return { bootId, isDurable: false, starts: 1, sharedStore };
    },
    renew: async () => undefined, // each process has a boot id of its own
    join: (joined) => new SharedRole(bootId, joined, parts, () => storeId(sharedStore)),
  };
}

/**
 * The part of a node that shares its pairs with the other nodes. The store orders the changes of each key, so the node serves
 * every partition that it is asked for. The topology only says which node proxies ask.
 */
export class SharedRole implements ClusterRole {
  readonly bootId: BootId;
  readonly operations: Operations;
  readonly #clock: CandidateParts['clusterClock'];
  readonly #renewStoreId: () => Promise<unknown>;
  #topology: Topology;
  #isLeaving = false;

  /** @param renewStoreId gives the pairs their id again if they have none */
  constructor(
    bootId: BootId,
    joined: TopologyAnswer,
    { alone, clusterClock }: CandidateParts,
    renewStoreId: () => Promise<unknown>,
  ) {
    this.bootId = bootId;
    this.operations = alone;
    this.#clock = clusterClock;
    this.#renewStoreId = renewStoreId;
    this.#topology = joined.topology;
    this.learn(joined);
  }

  get topology(): Topology {
    return this.#topology;
  }

  get revision(): number {
    return this.#topology.revision;
  }

  learn({ topology, timeMs }: TopologyAnswer): void {
    this.#clock.raise(timeMs);
    if (topology.revision > this.#topology.revision) this.#topology = topology;
  }

  obey({ timeMs }: ReportAnswer): void {
    this.#clock.raise(timeMs);
  }

  async report(isEnding: boolean): Promise<OwnReport> {
    // The store may have been emptied, which nodes that start later must not take for another store.
    this.#renewStoreId().catch(() => undefined);
    return {
      bootId: this.bootId,
      timeMs: this.#clock.nowMs(),
      isEnding: isEnding || this.#isLeaving,
      usedBytes: 0,
      freeBytes: undefined,
      highestVersion: 0,
      held: [],
      fills: [],
      failures: [],
    };
  }

  /** Later reports say that the node ends, so that the controller gives its partitions to other nodes. */
  handOverAll(): number {
    this.#isLeaving = true;
    const { nodes, partitions } = this.#topology;
    const hasOther = nodes.some(({ bootId, state }) => bootId !== this.bootId && state !== 'draining');
    return hasOther ? partitions.filter(({ primary }) => primary === this.bootId).length : 0;
  }

  close(): void {
    // There are no links to other nodes.
  }
}
