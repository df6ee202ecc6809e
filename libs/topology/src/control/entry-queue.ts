import type { PromotionAnswer, PromotionQuestion } from '../control-plane/messages.js';
import { applyRequests, type EntryRequest } from '../topology-changes.js';
import { nodeOfBoot, type BootId, type Topology } from '../topology.js';
import { LastingProblem } from './lasting-problem.js';
import type { ControlPorts } from './ports.js';
import type { TopologyKeeper } from './topology-keeper.js';

/** Older requests are dropped, in milliseconds: their askers know more by now. */
const MAX_REQUEST_AGE_MS = 1000;

/**
 * Called with each change that this queue stored. `failovers` has the partitions of which a copy was promoted although their
 * primary did not ask for it.
 */
export type StoredListener = (before: Topology, after: Topology, failovers: ReadonlySet<number>) => void;

interface Waiting {
  readonly requests: readonly EntryRequest[];
  readonly by: BootId | undefined;
  readonly receivedMs: number;
  readonly resolve: (topology: Topology) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes the changes of entries that processes ask for. Requests that come while a change is being stored are stored together
 * by the next one. Promotions join them after a second question to the process that is to be promoted. Each process is asked by
 * itself, so that a slow one holds up no other.
 */
export class EntryQueue {
  readonly #keeper: TopologyKeeper;
  readonly #ports: ControlPorts;
  readonly #onStored: StoredListener;
  readonly #waiting: Waiting[] = [];
  #isRunning = false;
  /** By the address of a process that did not answer of late. */
  readonly #silent = new Map<string, { readonly problem: LastingProblem; readonly atMs: number }>();

  constructor(keeper: TopologyKeeper, ports: ControlPorts, onStored: StoredListener) {
    this.#keeper = keeper;
    this.#ports = ports;
    this.#onStored = onStored;
  }

  /**
   * Resolves with a topology in which all requests that could be met are.
   *
   * @param receivedMs when the request came, by the monotonic clock
   * @param by the process that asks; undefined for the controller
   * @throws KvsError `store_unavailable`: changes may have been made, or may be made later
   */
  async submit(
    requests: readonly EntryRequest[],
    receivedMs = this.#ports.timers.nowMs(),
    by?: BootId,
  ): Promise<Topology> {
    const plain: EntryRequest[] = [];
    const promotions = new Map<BootId, Promotion[]>();
    for (const request of requests) {
      if (!isPromotion(request)) plain.push(request);
      else {
        const { copy } = request.change;
        const ofCopy = promotions.get(copy);
        if (ofCopy === undefined) promotions.set(copy, [request]);
        else ofCopy.push(request);
      }
    }
    const results = [...promotions].map(([copy, asked]) => this.#promote(copy, asked, receivedMs, by));
    if (plain.length > 0) results.push(this.#enqueue(plain, receivedMs, by));
    const topologies = await Promise.all(results);
    return topologies.reduce(
      (newest, one) => (one.revision > newest.revision ? one : newest),
      topologies[0] ?? (await this.#keeper.read()),
    );
  }

  #enqueue(requests: readonly EntryRequest[], receivedMs: number, by: BootId | undefined): Promise<Topology> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ requests, by, receivedMs, resolve, reject });
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        const topology = await this.#store(batch);
        for (const { resolve } of batch) resolve(topology);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #store(batch: readonly Waiting[]): Promise<Topology> {
    const edited: { topology?: Topology } = {};
    const after = await this.#keeper.change((topology) => {
      edited.topology = topology;
      const members = new Set(topology.nodes.map(({ bootId }) => bootId));
      const requests = batch
        .filter(({ receivedMs }) => this.#isNew(receivedMs))
        .flatMap((one) => one.requests)
        .filter((one) => areMembers(members, one));
      return applyRequests(topology, requests);
    });
    if (edited.topology !== undefined) this.#onStored(edited.topology, after, failoversIn(batch));
    return after;
  }

  #isNew(receivedMs: number): boolean {
    return this.#ports.timers.nowMs() - receivedMs <= MAX_REQUEST_AGE_MS;
  }

  /**
   * Stores the promotions to which the copy still agrees, if that is done soon after its answer. A primary that hands over serves
   * nothing before it sees a change of the entry, so it gets one also if the copy does not agree.
   */
  async #promote(
    copy: BootId,
    requests: readonly Promotion[],
    receivedMs: number,
    by: BootId | undefined,
  ): Promise<Topology> {
    const agreed = this.#isNew(receivedMs) ? await this.#askAgain(copy, requests) : undefined;
    const changes = requests.flatMap((request): EntryRequest[] => {
      if (agreed?.has(request.partition) === true) return [request];
      const isHandOver = request.change.instead === by;
      return agreed !== undefined && isHandOver ? [{ ...request, change: { kind: 'rewrite' } }] : [];
    });
    return this.#enqueue(changes, this.#ports.timers.nowMs(), by);
  }

  /** Returns the partitions of which the copy still agrees to become primary. */
  async #askAgain(bootId: BootId, requests: readonly Promotion[]): Promise<ReadonlySet<number>> {
    const topology = this.#keeper.current ?? (await this.#keeper.read());
    const address = nodeOfBoot(topology, bootId)?.address;
    if (address === undefined) return new Set();
    const promotions = requests.map(({ partition, epoch }) => ({ partition, epoch }));
    const question = { clusterId: topology.clusterId, bootId, promotions };
    return new Set((await this.#ask(address, question)).partitions);
  }

  async #ask(address: string, question: PromotionQuestion): Promise<PromotionAnswer> {
    try {
      const answer = await this.#ports.confirmPromotions(address, question);
      this.#silent.delete(address);
      return answer;
    } catch (error) {
      this.#noteSilence(address, error);
      return { partitions: [] };
    }
  }

  /** Logs each reason once while a process is asked again and again. */
  #noteSilence(address: string, error: unknown): void {
    const nowMs = this.#ports.timers.nowMs();
    for (const [known, { atMs }] of this.#silent)
      if (nowMs - atMs > SAME_SILENCE_MS) this.#silent.delete(known);
    const description = `${address} cannot become primary, because it does not answer`;
    const problem = this.#silent.get(address)?.problem ?? new LastingProblem(this.#ports.log, description);
    this.#silent.set(address, { problem, atMs: nowMs });
    problem.meet(error);
  }
}

/** A process that fails to answer again after so long, in milliseconds, may have answered others meanwhile. */
const SAME_SILENCE_MS = 60_000;

type Promotion = EntryRequest & { readonly change: { readonly kind: 'promote' } };

function isPromotion(request: EntryRequest): request is Promotion {
  return request.change.kind === 'promote';
}

function failoversIn(batch: readonly Waiting[]): Set<number> {
  return new Set(
    batch.flatMap(({ requests, by }) =>
      requests
        .filter(isPromotion)
        .flatMap(({ partition, change }) => (change.instead === by ? [] : [partition])),
    ),
  );
}

/** Returns whether the processes that a request gives roles to, or speaks for, are registered. A role of others is of no use. */
function areMembers(members: ReadonlySet<BootId>, { change }: EntryRequest): boolean {
  switch (change.kind) {
    case 'add':
      return members.has(change.by) && members.has(change.copy);
    case 'remove':
      return members.has(change.by);
    case 'promote':
      return members.has(change.copy);
    case 'nameLearner':
      return members.has(change.learner);
    case 'start':
      return [change.primary, ...change.copies].every((copy) => members.has(copy));
    case 'withdrawLearner':
    case 'rewrite':
      return true;
  }
}
