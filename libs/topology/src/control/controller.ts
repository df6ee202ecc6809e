import { KvsError } from '@kvs/protocol';
import type { PrimaryOrder } from '../control-plane/messages.js';
import { isEmpty, type Plan } from '../planning/draft.js';
import type { PlanSettings } from '../planning/plan-input.js';
import { plan, planInSteps } from '../planning/plan.js';
import { versionCeilingFor } from '../planning/version-ceiling.js';
import { raiseVersionCeiling, updateNode } from '../topology-changes.js';
import type { BootId, Topology } from '../topology.js';
import type { EntryQueue } from './entry-queue.js';
import { LastingProblem } from './lasting-problem.js';
import { Lead } from './lead.js';
import type { NodeReports } from './node-reports.js';
import type { ControlPorts } from './ports.js';
import { StateLog } from './state-log.js';
import type { TopologyKeeper } from './topology-keeper.js';

export interface ControllerParts {
  readonly keeper: TopologyKeeper;
  readonly queue: EntryQueue;
  readonly reports: NodeReports;
  readonly ports: ControlPorts;
  readonly settings: PlanSettings;
  /** The URL of this proxy. */
  readonly url: string;
}

/**
 * Brings the topology towards the wanted copies, in the proxy that leads. It plans every second and soon after each change. In
 * every proxy it reads the topology each second, because a watch of the store may miss changes. Two controllers at once do no
 * harm: each change is a compare-and-set.
 */
export class Controller {
  readonly #parts: ControllerParts;
  readonly #problem: LastingProblem;
  readonly #lead: Lead;
  #states: StateLog;
  #plan: Plan | undefined;
  /** The state at the last plan, to notice that nothing is new. */
  #planned: string | undefined;
  /** The step that runs; undefined between steps. */
  #working: Promise<void> | undefined;
  /** When the next step begins. During a step it stays in the past, so `#wakeSoon` cannot begin a second one. */
  #dueMs = Infinity;
  /** Whether the topology has changed since the last step began. */
  #isDueSoon = false;
  #isStopped = false;
  #cancel: () => void = () => undefined;

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.#problem = new LastingProblem(parts.ports.log, 'the controller cannot work');
    this.#states = new StateLog(parts.ports);
    const hearsMost = () => {
      const { current } = parts.keeper;
      return current !== undefined && parts.reports.hearsMost(current);
    };
    this.#lead = new Lead(parts.ports, parts.url, hearsMost, () => this.#begin());
    parts.keeper.watch(() => {
      if (this.isLeading) this.#wakeSoon();
    });
  }

  /** The URL of the proxy that leads; undefined as long as that is unknown. */
  get leader(): string | undefined {
    return this.#lead.leader;
  }

  get isLeading(): boolean {
    return this.#lead.isOwn;
  }

  /** The newest plan, as long as this proxy leads. */
  get plan(): Plan | undefined {
    return this.isLeading ? this.#plan : undefined;
  }

  ordersFor(bootId: BootId): readonly PrimaryOrder[] {
    return this.plan?.orders.get(bootId) ?? [];
  }

  /**
   * Starts the lost partitions that `whenLost: 'start'` would start. Returns how many it started.
   *
   * @throws KvsError `not_leader`, `outdated_store`, `store_unavailable`
   */
  async startLost(): Promise<number> {
    const { keeper, queue, reports, settings } = this.#parts;
    if (!this.isLeading)
      throw new KvsError('not_leader', `the cluster is led by ${this.leader ?? 'no known proxy'}`);
    if (this.#plan === undefined)
      throw new KvsError('store_unavailable', 'this proxy has only just begun to lead, and has no plan yet');
    const lost = new Set(
      this.#plan.stalled.filter(({ state }) => state === 'lost').map(({ partition }) => partition),
    );
    const topology = await keeper.read();
    reports.noteRunning();
    const input = this.#inputFor(topology);
    const { requests } = plan({ ...input, settings: { ...settings, whenLost: 'start' } });
    const starts = requests.filter(({ partition }) => lost.has(partition));
    const { partitions } = await queue.submit(starts);
    return starts.filter(
      ({ partition, change }) => change.kind === 'start' && change.primary === partitions[partition]?.primary,
    ).length;
  }

  start(): void {
    this.#lead.start();
    this.#wakeAfter(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#lead.stop();
    this.#cancel();
  }

  /**
   * Stops, and lets another proxy lead.
   *
   * @throws KvsError `store_unavailable`: the lead ends by itself
   */
  async resign(): Promise<void> {
    this.stop();
    await this.#working;
    await this.#lead.resign();
  }

  #begin(): void {
    const { reports, ports, url } = this.#parts;
    reports.forget();
    this.#plan = undefined;
    this.#planned = undefined;
    this.#states = new StateLog(ports);
    ports.log.info({ url }, 'this proxy leads the cluster now');
    this.#wakeSoon();
  }

  /** A further change never postpones the plan. While copies are filled, changes come all the time. */
  #wakeSoon(): void {
    this.#isDueSoon = true;
    const delayMs = this.#soonMs;
    if (this.#parts.ports.timers.nowMs() + delayMs < this.#dueMs) this.#wakeAfter(delayMs);
  }

  #wakeAfter(delayMs: number): void {
    this.#cancel();
    if (this.#isStopped) return;
    const { timers } = this.#parts.ports;
    this.#dueMs = timers.nowMs() + delayMs;
    this.#cancel = timers.after(delayMs, () => (this.#working = this.#work()));
  }

  async #work(): Promise<void> {
    this.#isDueSoon = false;
    try {
      await this.#step();
      this.#problem.end();
    } catch (error) {
      this.#problem.meet(error);
    }
    this.#working = undefined;
    this.#wakeAfter(this.#isDueSoon ? this.#soonMs : INTERVAL_MS);
  }

  /** While many copies are filled, the topology changes all the time, and further learners are not needed at once. */
  get #soonMs(): number {
    const { partitions = [] } = this.#parts.keeper.current ?? {};
    const moves = partitions.reduce((sum, { learner }) => sum + Number(learner !== undefined), 0);
    return moves > FEW_MOVES ? MOVING_MS : SOON_MS;
  }

  async #step(): Promise<void> {
    const { keeper, reports } = this.#parts;
    reports.noteRunning();
    const topology = await keeper.read();
    // The process may have stood still while it waited.
    reports.noteRunning();
    // Nodes that join here, or know no leader yet, are heard by a proxy that does not lead.
    reports.forgetOthers(topology);
    if (!this.isLeading) return;
    reports.follow(topology);
    const state = this.#stateOf(topology);
    if (state !== undefined && state === this.#planned) {
      this.#states.note(topology, { stalled: [], missing: [] });
      return;
    }
    const made = await this.#planFor(topology);
    // A proxy that ends closes the store.
    if (this.#isStopped) return;
    this.#plan = made;
    this.#planned = isEmpty(made) && made.stalled.length === 0 ? state : undefined;
    this.#states.note(topology, made);
    await this.#carryOut(made);
  }

  /** Lets requests pass between the steps of a plan. The first plans of a process take some 100 ms, because their code is cold. */
  async #planFor(topology: Topology): Promise<Plan> {
    const steps = planInSteps(this.#inputFor(topology));
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      await new Promise<void>((resolve) => this.#parts.ports.timers.after(0, resolve));
    }
  }

  #inputFor(topology: Topology): Parameters<typeof plan>[0] {
    const { reports, ports, settings } = this.#parts;
    const nowMs = ports.timers.nowMs();
    return {
      topology,
      // A copy, because reports come between the steps of a plan.
      statuses: new Map(reports.statuses),
      settings,
      nowMs,
      clusterTimeMs: reports.time.nowMs(),
      isPaused: (partition, copy) => reports.failures.isPaused(partition, copy, nowMs),
    };
  }

  async #carryOut({ requests, activated, versionCeiling }: Plan): Promise<void> {
    const { keeper, queue } = this.#parts;
    await keeper.change((topology) => {
      const isJoining = (id: string) =>
        topology.nodes.some((node) => node.id === id && node.state === 'joining');
      const present = activated.filter(isJoining);
      const active = present.reduce((one, id) => updateNode(one, id, { state: 'active' }), topology);
      return raiseVersionCeiling(active, versionCeiling ?? 0);
    });
    if (requests.length > 0) await queue.submit(requests);
  }

  /** Returns undefined, which differs from every state, while a new plan is due although the topology is the same. */
  #stateOf(topology: Topology): string | undefined {
    const { revision, nodes, partitions } = topology;
    const { reports, ports } = this.#parts;
    if (partitions.some(({ primary }) => primary === undefined)) return undefined;
    // Partitions that start after a loss have used the ceiling up, and refuse writes until it rises.
    if (versionCeilingFor(this.#inputFor(topology)) !== undefined) return undefined;
    const nowMs = ports.timers.nowMs();
    const isQuiet = nodes.every(({ bootId }) => {
      const status = reports.statuses.get(bootId);
      const isLeaving = status?.report?.isLeaving === true;
      return status?.report?.isEnding === false && !isLeaving && nowMs - status.lastHeardMs < QUIET_MS;
    });
    // A move that has just failed is withdrawn, and may be tried again when its pause ends.
    const moves = `${reports.failures.count} ${reports.failures.pausedCount(nowMs)}`;
    // Nodes may have more room than they had, so a plan is due now and then anyway.
    return isQuiet ? `${revision} ${moves} ${Math.floor(nowMs / PLAN_ANYWAY_MS)}` : undefined;
  }
}

const INTERVAL_MS = 1000;
const SOON_MS = 100;
const MOVING_MS = 500;
const FEW_MOVES = 64;
/** Less than the time after which a plan takes a node for gone. */
const QUIET_MS = 1500;
const PLAN_ANYWAY_MS = 30_000;
