import { ClusterClock } from '@kvs/kv-store';
import {
  applyRequests,
  endProcess,
  nodeOfBoot,
  type BootId,
  type EntryRequest,
  type NodeReport,
  type NodeStatus,
  type Topology,
} from '@kvs/topology';
import type { Http } from '../world/http.js';
import type { Process } from '../world/process.js';
import type { Random } from '../world/random.js';
import type { TopologyCell } from '../world/topology-cell.js';

/** A node, as a proxy sees it that is about to make it primary. */
export interface Candidate {
  readonly process: Process;
  /** Returns whether the process still agrees to become primary of a partition. */
  agrees(bootId: BootId, partition: number, epoch: number): boolean;
}

/**
 * A proxy's part in the control plane: it remembers the topology, and makes the changes that nodes and controllers ask for by
 * compare-and-set in the store.
 */
export class SimulatedProxy {
  /** The newest topology that this proxy saw. */
  topology: Topology;
  readonly statuses = new Map<BootId, NodeStatus>();
  /** Requests that wait for a topology of a higher revision. */
  #waiting: { readonly revision: number; readonly answer: (topology: Topology) => void }[] = [];
  /** When the move of a partition to a process failed last. */
  readonly #failures = new Map<string, number>();
  /** The time of the cluster as this proxy knows it. */
  readonly clock: ClusterClock;
  readonly #cell: TopologyCell;
  readonly #http: Http;
  readonly #random: Random;
  readonly #candidateAt: (address: string) => Candidate | undefined;
  readonly #rules: { readonly R1: boolean };

  constructor(
    readonly process: Process,
    cell: TopologyCell,
    http: Http,
    random: Random,
    candidateAt: (address: string) => Candidate | undefined,
    rules: { readonly R1: boolean },
  ) {
    this.topology = cell.topology;
    this.clock = new ClusterClock(() => process.nowMs());
    this.clock.raise(FIRST_TIME_MS);
    this.#cell = cell;
    this.#http = http;
    this.#random = random;
    this.#candidateAt = candidateAt;
    this.#rules = rules;
  }

  /** Notes a topology if it is newer. */
  see(topology: Topology): void {
    if (topology.revision <= this.topology.revision) return;
    this.topology = topology;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { revision, answer } of waiting) this.newerThan(revision, answer);
  }

  /** Answers as soon as the proxy knows a topology of a higher revision. */
  newerThan(revision: number, answer: (topology: Topology) => void): void {
    if (this.topology.revision > revision) answer(this.topology);
    else this.#waiting.push({ revision, answer });
  }

  /** Reads the topology from the store. Calls back only if the store answers. */
  refresh(done: (topology: Topology) => void = () => undefined): void {
    this.#read((topology) => {
      if (topology !== undefined) done(topology);
    });
  }

  /**
   * Makes the requested changes that still fit, and answers with the topology after that. Without an answer,
   * the changes may have been made or not.
   *
   * @param by the process that asks; undefined for a controller
   */
  change(requests: readonly EntryRequest[], answer: (topology: Topology) => void, by?: BootId): void {
    const receivedMs = this.process.nowMs();
    this.refresh((topology) => {
      const fitting = this.#fitting(topology, requests, receivedMs);
      if (fitting.length === 0) return answer(topology);
      this.#confirm(fitting, topology, by, (confirmed) =>
        this.#attempt(confirmed, this.process.nowMs(), 0, answer),
      );
    });
  }

  /** Notes what a node reports. A process that keeps nothing has ended for everybody when it says so. */
  report(node: { readonly bootId: BootId; readonly isDurable: boolean }, report: NodeReport): void {
    this.clock.raise(report.timeMs);
    const nowMs = this.process.nowMs();
    const firstHeardMs = this.statuses.get(node.bootId)?.firstHeardMs ?? nowMs;
    this.statuses.set(node.bootId, { firstHeardMs, lastHeardMs: nowMs, report });
    for (const { partition, copy } of report.failures) this.#failures.set(`${partition} ${copy}`, nowMs);
    if (report.isEnding && !node.isDurable) this.update((topology) => endProcess(topology, node));
  }

  /** Returns whether a move of the partition to the process failed in the last seconds. */
  isPaused(partition: number, copy: BootId): boolean {
    const failedMs = this.#failures.get(`${partition} ${copy}`);
    return failedMs !== undefined && this.process.nowMs() - failedMs < PAUSE_MS;
  }

  /** Changes the topology as soon as the store lets it. Gives up after some attempts. */
  update(change: (topology: Topology) => Topology, attempt = 0): void {
    this.refresh((topology) => {
      const next = change(topology);
      if (next === topology || attempt > MAX_ATTEMPTS) return;
      this.#replace(next, (result) => {
        if (result !== 'replaced') this.update(change, attempt + 1);
      });
    });
  }

  #attempt(
    requests: readonly EntryRequest[],
    receivedMs: number,
    attempt: number,
    answer: (topology: Topology) => void,
  ): void {
    this.refresh((topology) => {
      const fitting = this.#fitting(topology, requests, receivedMs);
      const next = attempt > MAX_ATTEMPTS ? topology : applyRequests(topology, fitting);
      if (next === topology) return answer(topology);
      this.process.complete(this.#random.chance(0.1) ? this.#random.between(0, 1500) : 0, () => {
        this.#replace(next, (result) => {
          if (result === 'replaced') answer(next);
          else if (result === 'conflict') this.#attempt(fitting, receivedMs, attempt + 1, answer);
        });
      });
    });
  }

  /** Returns the requests that are not too old, and were made at the present epochs of their entries. */
  #fitting(
    { partitions }: Topology,
    requests: readonly EntryRequest[],
    receivedMs: number,
  ): readonly EntryRequest[] {
    if (!this.#rules.R1)
      return requests.map((request) => ({ ...request, epoch: partitions[request.partition]?.epoch ?? 0 }));
    if (this.process.nowMs() - receivedMs > MAX_AGE_MS) return [];
    return requests.filter(({ partition, epoch }) => partitions[partition]?.epoch === epoch);
  }

  /** Asks the processes that are to be promoted whether they still agree, because the requests may be old. */
  #confirm(
    requests: readonly EntryRequest[],
    topology: Topology,
    by: BootId | undefined,
    done: (confirmed: readonly EntryRequest[]) => void,
  ): void {
    const confirmed: EntryRequest[] = [];
    let open = requests.length;
    for (const request of requests) {
      this.#confirmOne(request, topology, (agrees) => {
        const { change } = request;
        if (agrees) confirmed.push(request);
        // The primary that hands over serves nothing before it sees a change of the entry.
        else if (change.kind === 'promote' && change.instead === by)
          confirmed.push({ ...request, change: { kind: 'rewrite' } });
        open--;
        if (open === 0) done(confirmed);
      });
    }
  }

  #confirmOne(request: EntryRequest, topology: Topology, done: (agrees: boolean) => void): void {
    const { change, partition, epoch } = request;
    if (change.kind !== 'promote' || !this.#rules.R1) return done(true);
    const { copy } = change;
    const candidate = this.#candidateAt(nodeOfBoot(topology, copy)?.address ?? '');
    if (candidate === undefined) return done(false);
    let isAnswered = false;
    const finish = (agrees: boolean) => {
      if (isAnswered) return;
      isAnswered = true;
      done(agrees);
    };
    this.process.after(CONFIRM_MS, () => finish(false));
    this.#http.request<boolean>(
      this.process,
      candidate.process,
      (answer) => answer(candidate.agrees(copy, partition, epoch)),
      finish,
    );
  }

  #read(done: (topology: Topology | undefined) => void): void {
    this.#cell.read((topology) => {
      this.process.receive(() => {
        if (topology !== undefined) this.see(topology);
        done(topology);
      });
    });
  }

  #replace(next: Topology, done: (result: 'replaced' | 'conflict' | 'unknown') => void): void {
    this.#cell.replace(next, (result) => {
      this.process.receive(() => {
        if (result === 'replaced') this.see(next);
        done(result);
      });
    });
  }
}

/** In 2026. */
const FIRST_TIME_MS = 1_780_000_000_000;
const MAX_ATTEMPTS = 6;
/** A request that is older was probably settled by another one. */
const MAX_AGE_MS = 1000;
const CONFIRM_MS = 1500;
const PAUSE_MS = 3000;
