import { isStartAfterLoss } from '../entry-changes.js';
import { hasRole, type BootId, type Topology } from '../topology.js';
import type { NodeReports } from './node-reports.js';
import type { ControlLog } from './ports.js';

/** Tells operators what changes of the topology mean: copies took over, pairs were lost, a node can be stopped. */
export class ChangeLog {
  readonly #log: ControlLog;
  readonly #reports: NodeReports;
  #failoverCount = 0;

  constructor(log: ControlLog, reports: NodeReports) {
    this.#log = log;
    this.#reports = reports;
  }

  /** In how many partitions this proxy had another process take over from a primary that was gone. */
  get failoverCount(): number {
    return this.#failoverCount;
  }

  /** Notes a change of the topology as the proxy that leads. */
  note(before: Topology, topology: Topology): void {
    if (topology.sharedStore === undefined) this.#noteLosses(before, topology);
    else this.#noteSharedMoves(before, topology);
    this.#noteDrained(before, topology);
  }

  /**
   * Notes copies that became primaries. Each proxy notes those that it has stored, because the proxy that leads may have died
   * together with the old primary. A promotion is missing if the store made it and did not answer, or was then asked again and named
   * another revision. The topology does not tell such a promotion from the same one by another proxy, which would count it too.
   *
   * @param failovers the partitions whose old primary did not ask for it
   */
  notePromotions(before: Topology, topology: Topology, failovers: ReadonlySet<number>): void {
    if (failovers.size === 0) return;
    const isFailover = (partition: number) => failovers.has(partition);
    this.#noteFailovers(before, topology, 'copy promoted: ', isFailover);
  }

  #noteDrained(before: Topology, topology: Topology): void {
    for (const { id, bootId, state } of topology.nodes) {
      const hasCopies = ({ partitions }: Topology) => partitions.some((entry) => hasRole(entry, bootId));
      if (state === 'draining' && hasCopies(before) && !hasCopies(topology))
        this.#log.info({ node: id }, `${id} is drained: it has no copies any more, and can be stopped`);
    }
  }

  /** The nodes of a shared store ask for nothing. A node that reports or has announced its end did not fail. */
  #noteSharedMoves(before: Topology, topology: Topology): void {
    const isFailover = (_: number, from: BootId) =>
      !this.#reports.isHeard(from, LIVELY_MS) && !this.#reports.isEnding(from);
    this.#noteFailovers(before, topology, '', isFailover);
  }

  #noteFailovers(
    before: Topology,
    topology: Topology,
    prefix: string,
    isFailover: (partition: number, from: BootId) => boolean,
  ): void {
    const counts = new Map<string, { from: BootId; to: BootId; partitions: number }>();
    topology.partitions.forEach(({ primary: to }, partition) => {
      const from = before.partitions[partition]?.primary;
      if (from === undefined || to === undefined || from === to || !isFailover(partition, from)) return;
      this.#failoverCount++;
      const key = `${from} ${to}`;
      const known = counts.get(key);
      counts.set(key, { from, to, partitions: (known?.partitions ?? 0) + 1 });
    });
    const name = (bootId: BootId) =>
      [...topology.nodes, ...before.nodes].find((node) => node.bootId === bootId)?.id ?? bootId;
    for (const { from, to, partitions } of counts.values()) {
      const details = { from: name(from), to: name(to), partitions };
      this.#log.info(
        details,
        `${prefix}${details.to} takes over ${partitions} partitions of ${details.from}`,
      );
    }
  }

  #noteLosses(before: Topology, { partitions }: Topology): void {
    const lost = partitions.flatMap((entry, partition) => {
      const old = before.partitions[partition];
      return old !== undefined && isStartAfterLoss(old, entry) ? [{ partition, primary: entry.primary }] : [];
    });
    if (lost.length === 0) return;
    const empty = lost.filter(
      ({ partition, primary }) => primary !== undefined && !this.#reports.holds(primary, partition),
    ).length;
    this.#log.warn(
      { partitions: lost.length, empty, first: lost[0]?.partition },
      `${lost.length} partitions start again because all their copies are gone, ${empty} of them empty; acknowledged writes are lost`,
    );
  }
}

/** A node that reported so lately gives partitions to a node that has joined. */
const LIVELY_MS = 2000;
