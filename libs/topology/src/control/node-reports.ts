import type { FillProgress, NodeReport } from '../control-plane/messages.js';
import type { NodeStatus } from '../planning/plan-input.js';
import { REACHABLE_FOR_MS } from '../planning/plan-node.js';
import type { BootId, Topology } from '../topology.js';
import { ClusterTime } from './cluster-time.js';
import { MoveFailures } from './move-failures.js';
import type { ControlPorts, ControlTimers } from './ports.js';

/** A partition that a learner is being filled with. */
type Fill = Pick<FillProgress, 'partition' | 'learner'>;

interface Progress {
  /** Which fills run, and how far each is. */
  readonly state: string;
  readonly sinceMs: number;
}

/** How fast a process sends fills. */
interface Speed {
  /** When its last report came. */
  readonly reportedMs: number;
  readonly bytesPerSecond: number;
}

/** Keeps the newest reports of the nodes for the controller. */
export class NodeReports {
  readonly failures = new MoveFailures();
  readonly time: ClusterTime;
  readonly #timers: ControlTimers;
  readonly #statuses = new Map<BootId, NodeStatus>();
  readonly #progress = new Map<BootId, Progress>();
  readonly #speeds = new Map<BootId, Speed>();
  readonly #leaving = new Set<BootId>();
  /** When this process was last seen to run. */
  #seenRunningMs: number;

  constructor(ports: Pick<ControlPorts, 'timers' | 'log'>) {
    this.#timers = ports.timers;
    this.#seenRunningMs = ports.timers.nowMs();
    this.time = new ClusterTime(ports);
  }

  get statuses(): ReadonlyMap<BootId, NodeStatus> {
    return this.#statuses;
  }

  /** How many bytes of fills all nodes send per second. */
  get fillBytesPerSecond(): number {
    return [...this.#speeds].reduce(
      (sum, [sender, { bytesPerSecond }]) => sum + (this.isHeard(sender) ? bytesPerSecond : 0),
      0,
    );
  }

  /** How many bytes of each fill were sent, by its {@link fillKey}. */
  get sentBytes(): ReadonlyMap<string, number> {
    return sentBytesOf([...this.#statuses.values()].flatMap(({ report }) => report?.fills ?? []));
  }

  /** Forgets all reports. A proxy that begins to lead has heard nothing of late. */
  forget(): void {
    this.#statuses.clear();
    this.#progress.clear();
    this.#speeds.clear();
    this.#leaving.clear();
  }

  /** Returns whether the process was heard a moment ago, and does not end. */
  isHeard(bootId: BootId, withinMs = REACHABLE_FOR_MS): boolean {
    const status = this.#statuses.get(bootId);
    if (status === undefined || this.isEnding(bootId)) return false;
    return this.#timers.nowMs() - status.lastHeardMs <= withinMs;
  }

  /** Returns whether more than half of the nodes were heard of late. */
  hearsMost({ nodes }: Topology): boolean {
    const heard = nodes.filter(({ bootId }) => this.isHeard(bootId, HEARD_FOR_MS));
    return heard.length > nodes.length / 2;
  }

  /** Returns whether the process has announced its end. */
  isEnding(bootId: BootId): boolean {
    return this.#statuses.get(bootId)?.report?.isEnding === true;
  }

  /** The processes that hand their partitions over and then end. */
  get leaving(): readonly BootId[] {
    return [...this.#leaving];
  }

  /** Returns whether the process said last that it has the pairs of a partition in which it is no in-sync copy. */
  holds(bootId: BootId, partition: number): boolean {
    return this.#statuses.get(bootId)?.report?.held.some((held) => held.partition === partition) === true;
  }

  /**
   * Notes that this process runs. If it stood still, it could hear no node, so the statuses leave that time out. Call it about
   * every second, and before a plan judges by the statuses. `ClusterMember.receivedMs` in apps/proxy notices the same for
   * requests that waited meanwhile.
   */
  noteRunning(): void {
    const nowMs = this.#timers.nowMs();
    const pausedMs = nowMs - this.#seenRunningMs;
    this.#seenRunningMs = nowMs;
    if (pausedMs < MIN_PAUSE_MS) return;
    for (const [bootId, status] of this.#statuses) {
      const firstHeardMs = status.firstHeardMs + pausedMs;
      const lastHeardMs = status.lastHeardMs + pausedMs;
      this.#statuses.set(bootId, { ...status, firstHeardMs, lastHeardMs });
    }
  }

  /** Notes that a process was heard. */
  hear(bootId: BootId, report?: NodeReport): void {
    this.noteRunning();
    const nowMs = this.#timers.nowMs();
    const before = this.#statuses.get(bootId);
    const firstHeardMs = before?.firstHeardMs ?? nowMs;
    this.#statuses.set(bootId, { firstHeardMs, lastHeardMs: nowMs, report: report ?? before?.report });
    if (report === undefined) return;
    // The last report of a process says only that it ends. A durable one reports again under this boot id when it has started again.
    if (report.isLeaving || report.isEnding) this.#leaving.add(bootId);
    else this.#leaving.delete(bootId);
    this.time.raise(report.timeMs);
    const lastMs = this.#speeds.get(bootId)?.reportedMs ?? nowMs;
    const bytesPerSecond = speedOf(before?.report, report, nowMs - lastMs);
    this.#speeds.set(bootId, { reportedMs: nowMs, bytesPerSecond });
    for (const failure of report.failures) this.fail(failure.partition, failure.copy, failure.reason);
  }

  fail(partition: number, copy: BootId, reason: string): void {
    const nowMs = this.#timers.nowMs();
    this.failures.add({ partition, copy, reason, atMs: this.time.nowMs() }, nowMs);
  }

  /** Forgets processes that are no nodes any more. */
  forgetOthers(topology: Topology): void {
    const bootIds = new Set(topology.nodes.map(({ bootId }) => bootId));
    for (const bootId of this.#statuses.keys()) {
      if (bootIds.has(bootId)) continue;
      this.#statuses.delete(bootId);
      this.#speeds.delete(bootId);
      this.#leaving.delete(bootId);
    }
    this.failures.follow(topology, this.#timers.nowMs());
  }

  /**
   * Notes the nodes that it has not heard yet: a new leader gives all of them the time to report. The fills of a learner have
   * failed if none of them goes on for a minute.
   */
  follow({ nodes, partitions }: Topology): void {
    for (const { bootId } of nodes) if (!this.#statuses.has(bootId)) this.hear(bootId);
    this.#watchProgress(partitions);
  }

  /** Looks at all fills of a learner together, because some of them wait for others. */
  #watchProgress(partitions: Topology['partitions']): void {
    const nowMs = this.#timers.nowMs();
    const sent = this.sentBytes;
    const fillsOf = new Map<BootId, Fill[]>();
    partitions.forEach(({ learner }, partition) => {
      if (learner === undefined) return;
      const fills = fillsOf.get(learner) ?? [];
      fills.push({ partition, learner });
      fillsOf.set(learner, fills);
    });
    for (const learner of this.#progress.keys()) if (!fillsOf.has(learner)) this.#progress.delete(learner);
    for (const [learner, fills] of fillsOf) {
      const known = this.#progress.get(learner);
      const state = fills.map((fill) => `${fill.partition} ${sent.get(fillKey(fill)) ?? 0}`).join();
      if (known?.state !== state) this.#progress.set(learner, { state, sinceMs: nowMs });
      else if (nowMs - known.sinceMs > NO_PROGRESS_MS) {
        this.#progress.set(learner, { state, sinceMs: nowMs });
        for (const { partition } of fills)
          this.fail(partition, learner, `no progress for ${NO_PROGRESS_MS / 1000} s`);
      }
    }
  }
}

/** Returns the key of a fill in maps. */
export function fillKey({ partition, learner }: Fill): string {
  return `${partition} ${learner}`;
}

function sentBytesOf(fills: readonly FillProgress[]): Map<string, number> {
  return new Map(fills.map((fill) => [fillKey(fill), fill.sentBytes]));
}

/** Returns how many bytes of fills were sent per second between two reports. */
function speedOf(last: NodeReport | undefined, next: NodeReport, passedMs: number): number {
  if (last === undefined) return 0;
  const before = sentBytesOf(last.fills);
  const sent = next.fills.reduce(
    (sum, fill) => sum + Math.max(0, fill.sentBytes - (before.get(fillKey(fill)) ?? 0)),
    0,
  );
  return Math.round((sent * 1000) / Math.max(1, passedMs));
}

/** Nodes report every second, and the controller plans as often, so this process stood still if it did neither for so long. */
const MIN_PAUSE_MS = 2000;
const NO_PROGRESS_MS = 60_000;
/** Nodes that don't reach the proxy that leads wait for it before they report elsewhere. */
const HEARD_FOR_MS = 5000;
