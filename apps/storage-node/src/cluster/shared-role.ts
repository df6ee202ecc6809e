import { randomUUID } from 'node:crypto';
import { isBootId, type BootId, type ReportAnswer, type Topology, type TopologyAnswer } from '@kvs/topology';
import { refusing, type Operations } from '../operations.js';
import type { Candidate, CandidateParts, ClusterRole, OnlyCopies, OwnReport } from './cluster-role.js';

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
    join: (joined) =>
      new SharedRole(bootId, joined, parts, async () => (await storeId(sharedStore)) === sharedStore),
  };
}

/**
 * The part of a node that shares its pairs with the other nodes. The store orders the changes of each key, so the node serves
 * every partition that it is asked for. The topology only says which node proxies ask.
 */
export class SharedRole implements ClusterRole {
  readonly bootId: BootId;
  readonly operations: Operations;
  readonly nodeReplica = undefined;
  readonly #use: CandidateParts['use'];
  readonly #log: CandidateParts['log'];
  readonly #clock: CandidateParts['clock']['cluster'];
  readonly #isSameStore: () => Promise<boolean>;
  #topology: Topology;
  #isLeaving = false;
  /** The processes that end, as the leading proxy knows. */
  #leaving: readonly BootId[] = [];
  #isLost = false;

  /** @param isSameStore whether the store is the one that the node joined with. Gives the pairs their id again if they have none */
  constructor(
    bootId: BootId,
    joined: TopologyAnswer,
    { alone, use, clock, log }: CandidateParts,
    isSameStore: () => Promise<boolean>,
  ) {
    this.bootId = bootId;
    this.operations = alone;
    this.#use = use;
    this.#log = log;
    this.#clock = clock.cluster;
    this.#isSameStore = isSameStore;
    this.#topology = joined.topology;
    this.learn(joined);
  }

  isServing(): boolean {
    return true;
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

  obey({ timeMs, leaving }: ReportAnswer): void {
    this.#clock.raise(timeMs);
    if (leaving !== undefined) this.#leaving = leaving;
  }

  async report(isEnding: boolean): Promise<OwnReport> {
    // The store may have been emptied, which nodes that start later must not take for another store.
    this.#isSameStore().then(
      (isSame) => this.#found(isSame),
      () => undefined, // requests fail too, and say why
    );
    return {
      bootId: this.bootId,
      wholeRevision: this.revision,
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

  /** A store of other pairs may have come to the address of the store. Other nodes may still reach the right one. */
  #found(isSame: boolean): void {
    if (isSame === !this.#isLost) return;
    this.#isLost = !isSame;
    this.#use(isSame ? this.operations : refusing(this.operations, WRONG_STORE));
    if (isSame) this.#log.info('the node has reached the store of its cluster again');
    else this.#log.error(new Error(WRONG_STORE), WRONG_STORE);
  }

  /** Later reports say that the node ends, so that the controller gives its partitions to other nodes. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** A draining node counts too: the controller gives it the partitions if there is no other. */
  handOverAll(): number {
    const { nodes, partitions } = this.#topology;
    const hasOther = nodes.some(({ bootId }) => bootId !== this.bootId && !this.#leaving.includes(bootId));
    return hasOther ? partitions.filter(({ primary }) => primary === this.bootId).length : 0;
  }

  countCopiesToRemove(): number {
    return 0;
  }

  /** The pairs are in the store. */
  countOnlyCopies(): OnlyCopies {
    return { count: 0, awaited: 0 };
  }

  mustTakeOver(): boolean {
    return false;
  }

  close(): void {
    // There are no links to other nodes.
  }
}

const WRONG_STORE = 'the node reaches another store than the other nodes of its cluster';
