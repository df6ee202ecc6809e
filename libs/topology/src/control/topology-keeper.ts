import { KvsError } from '@kvs/protocol';
import type { SenderKnowledge } from '../control-plane/messages.js';
import type { TopologyStore } from '../topology-store.js';
import { MAX_REVISIONS_AHEAD, type Topology } from '../topology.js';
import type { ControlTimers } from './ports.js';

/**
 * A proxy's view of the topology: the newest document that it has seen, and changes of it by compare-and-set. A change that
 * meets a newer document is made again on that one.
 */
export class TopologyKeeper {
  readonly #store: TopologyStore;
  readonly #listeners = new Set<(topology: Topology, before: Topology | undefined) => void>();
  #current: Topology | undefined;
  readonly #timers: Pick<ControlTimers, 'nowMs'>;
  /** The revision of this cluster that each node named last, by the id of the node. */
  readonly #named = new Map<string, { readonly revision: number; readonly atMs: number }>();

  constructor(store: TopologyStore, timers: Pick<ControlTimers, 'nowMs'>) {
    this.#store = store;
    this.#timers = timers;
  }

  /** The newest topology that this proxy has seen. */
  get current(): Topology | undefined {
    return this.#current;
  }

  /** Calls the listener with each newer topology. */
  watch(listener: (topology: Topology, before: Topology | undefined) => void): void {
    this.#listeners.add(listener);
  }

  /** Makes the first document, unless there is one. */
  async create(first: Topology): Promise<Topology> {
    const existing = await this.#store.read();
    if (existing === undefined) await this.#store.replace(first);
    return this.read();
  }

  /**
   * Reads the topology freshly from the store.
   *
   * @throws KvsError `store_unavailable`, `invalid_topology`, `outdated_store`
   */
  async read(): Promise<Topology> {
    const known = this.#highestKnown;
    const topology = await this.#store.read();
    if (topology === undefined) {
      if (this.#current === undefined) throw new KvsError('store_unavailable', 'there is no topology yet');
      throw outdated(0, this.#current.revision);
    }
    this.#learn(topology, known);
    return topology;
  }

  /**
   * Checks that a sender means this cluster, and notes the revision that it knows: a store that is behind that revision has lost
   * changes.
   *
   * - A sender with the id or the boot id of a node: later reads and changes fail while the store is behind. The id is enough, because
   *   a store that has lost changes may not know the last start of the node. Anybody can send an id, so the revision counts
   *   only until the node names another one, or for {@link NAMED_FOR_MS}, and not at all if it is more
   *   than {@link MAX_REVISIONS_AHEAD} above the current one.
   * - Any other sender: only this request fails if the store is behind.
   *
   * @param sender an id or a boot id
   * @throws KvsError `wrong_cluster`; the codes of {@link read}
   */
  async checkSender({ clusterId, revision }: SenderKnowledge, sender: string): Promise<void> {
    const current = this.#current;
    if (clusterId === undefined || current === undefined) return;
    if (clusterId !== current.clusterId) {
      throw new KvsError('wrong_cluster', `this is the cluster ${current.clusterId}, and not ${clusterId}`);
    }
    const node = current.nodes.find(({ id, bootId }) => id === sender || bootId === sender);
    if (node === undefined) await this.atLeast(revision);
    else if (revision <= current.revision + MAX_REVISIONS_AHEAD)
      this.#named.set(node.id, { revision, atMs: this.#timers.nowMs() });
  }

  /**
   * Puts what `edit` makes of the topology in its place. `edit` returns the same topology if nothing is to be changed. It is
   * called again if the store has another revision: another change came first, or the store had made this one and did not answer.
   *
   * @throws KvsError `store_unavailable`: the change may have been made, or may be made later. The codes of {@link read}. What
   * `edit` throws
   */
  async change(edit: (topology: Topology) => Topology): Promise<Topology> {
    let topology = await this.atLeast(this.#highestKnown);
    for (;;) {
      const edited = edit(topology);
      if (edited === topology) return topology;
      // An edit of several steps is one change.
      const next = { ...edited, revision: topology.revision + 1 };
      const known = this.#highestKnown;
      if (await this.#store.replace(next)) {
        this.#learn(next, known);
        return next;
      }
      topology = await this.read();
    }
  }

  /**
   * Returns the newest topology that this proxy has seen, or reads one if a sender knows a higher revision.
   *
   * @throws KvsError as {@link read}
   */
  async atLeast(revision: number): Promise<Topology> {
    const current = this.#current;
    if (current !== undefined && current.revision >= revision) return current;
    const topology = await this.read();
    if (topology.revision < revision) throw outdated(topology.revision, revision);
    return topology;
  }

  /** The highest revision that a node has named of late. Older ones are forgotten. */
  get #highestKnown(): number {
    const sinceMs = this.#timers.nowMs() - NAMED_FOR_MS;
    let highest = 0;
    for (const [id, { revision, atMs }] of this.#named) {
      if (atMs < sinceMs) this.#named.delete(id);
      else highest = Math.max(highest, revision);
    }
    return highest;
  }

  /** @param known the highest revision that a node had named when the store was asked. Later changes may be missing */
  #learn(topology: Topology, known: number): void {
    const before = this.#current;
    if (before !== undefined && topology.clusterId !== before.clusterId) {
      throw new KvsError('outdated_store', `the store has the topology of the cluster ${topology.clusterId}`);
    }
    // Two reads may end in another order than they began. Only a store that is behind what nodes know has lost changes.
    if (topology.revision < known) throw outdated(topology.revision, known);
    if (topology.revision <= (before?.revision ?? 0)) return;
    this.#current = topology;
    for (const listener of this.#listeners) listener(topology, before);
  }
}

function outdated(revision: number, known: number): KvsError {
  return new KvsError(
    'outdated_store',
    `the store has revision ${revision} of the topology, but revision ${known} exists; it has lost changes`,
  );
}

/** Nodes name a revision each second, if they are there. It counts for longer, because all may be away for a while. */
const NAMED_FOR_MS = 600_000;
