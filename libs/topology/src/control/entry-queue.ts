import type { PromotionAnswer, PromotionQuestion } from '../control-plane/messages.js';
import { applyRequests, type EntryRequest } from '../topology-changes.js';
import { nodeOfBoot, type BootId, type Topology } from '../topology.js';
import { LastingProblem } from './lasting-problem.js';
import type { ControlPorts } from './ports.js';
import type { TopologyKeeper } from './topology-keeper.js';

/** Older requests are dropped, in milliseconds: their askers know more by now. */
export const MAX_REQUEST_AGE_MS = 1000;

/** Called with each change that this proxy stored to promote copies. `handedOver` has the partitions whose old primary asked for it. */
export type PromotionListener = (before: Topology, after: Topology, handedOver: ReadonlySet<number>) => void;

interface Waiting {
  readonly requests: readonly EntryRequest[];
  readonly by: BootId | undefined;
  readonly receivedMs: number;
  readonly resolve: (topology: Topology) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes the changes of entries that processes ask for. Requests that come while a change is being stored are stored together
 * by the next one. Promotions wait for a second question to the process that is to be promoted, so they have a queue of their
 * own.
 */
export class EntryQueue {
  readonly #keeper: TopologyKeeper;
  readonly #ports: ControlPorts;
  readonly #onPromoted: PromotionListener;
  readonly #plain: Waiting[] = [];
  readonly #promotions: Waiting[] = [];
  readonly #running = new Set<Waiting[]>();
  /** By the address of a process that did not answer the last time. */
  readonly #silent = new Map<string, LastingProblem>();

  constructor(keeper: TopologyKeeper, ports: ControlPorts, onPromoted: PromotionListener) {
    this.#keeper = keeper;
    this.#ports = ports;
    this.#onPromoted = onPromoted;
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
    const isPromotion = ({ change }: EntryRequest) => change.kind === 'promote';
    const parts = [
      { queue: this.#plain, requests: requests.filter((one) => !isPromotion(one)) },
      { queue: this.#promotions, requests: requests.filter(isPromotion) },
    ].filter((part) => part.requests.length > 0);
    const results = parts.map(
      (part) =>
        new Promise<Topology>((resolve, reject) => {
          part.queue.push({ requests: part.requests, by, receivedMs, resolve, reject });
          void this.#run(part.queue);
        }),
    );
    const topologies = await Promise.all(results);
    return topologies.reduce(
      (newest, one) => (one.revision > newest.revision ? one : newest),
      topologies[0] ?? (await this.#keeper.read()),
    );
  }

  async #run(queue: Waiting[]): Promise<void> {
    if (this.#running.has(queue)) return;
    this.#running.add(queue);
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        const topology = await this.#store(batch, queue === this.#promotions);
        for (const { resolve } of batch) resolve(topology);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running.delete(queue);
  }

  async #store(batch: readonly Waiting[], arePromotions: boolean): Promise<Topology> {
    const agreed = arePromotions ? await this.#askAgain(batch) : undefined;
    const edited: { topology?: Topology } = {};
    const after = await this.#keeper.change((topology) => {
      edited.topology = topology;
      const nowMs = this.#ports.timers.nowMs();
      const members = new Set(topology.nodes.map(({ bootId }) => bootId));
      const requests = batch
        .filter(({ receivedMs }) => nowMs - receivedMs <= MAX_REQUEST_AGE_MS)
        .flatMap((one) => one.requests)
        .filter((one) => areMembers(members, one) && agreed?.has(one) !== false);
      return applyRequests(topology, requests);
    });
    if (arePromotions && edited.topology !== undefined)
      this.#onPromoted(edited.topology, after, handedOver(batch));
    return after;
  }

  /** Returns the promotions that their new primaries still agree to. */
  async #askAgain(batch: readonly Waiting[]): Promise<ReadonlySet<EntryRequest>> {
    const topology = this.#keeper.current ?? (await this.#keeper.read());
    const byCopy = new Map<BootId, EntryRequest[]>();
    for (const request of batch.flatMap((one) => one.requests)) {
      if (request.change.kind !== 'promote') continue;
      const { copy } = request.change;
      byCopy.set(copy, [...(byCopy.get(copy) ?? []), request]);
    }
    const agreed = await Promise.all(
      [...byCopy].map(async ([bootId, requests]) => {
        const address = nodeOfBoot(topology, bootId)?.address;
        if (address === undefined) return [];
        const promotions = requests.map(({ partition, epoch }) => ({ partition, epoch }));
        const { partitions } = await this.#ask(address, {
          clusterId: topology.clusterId,
          bootId,
          promotions,
        });
        const confirmed = new Set(partitions);
        return requests.filter(({ partition }) => confirmed.has(partition));
      }),
    );
    return new Set(agreed.flat());
  }

  async #ask(address: string, question: PromotionQuestion): Promise<PromotionAnswer> {
    try {
      const answer = await this.#ports.confirmPromotions(address, question);
      this.#silent.delete(address);
      return answer;
    } catch (error) {
      const description = `${address} cannot become primary, because it does not answer`;
      const problem = this.#silent.get(address) ?? new LastingProblem(this.#ports.log, description);
      this.#silent.set(address, problem);
      problem.meet(error);
      return { partitions: [] };
    }
  }
}

function handedOver(batch: readonly Waiting[]): Set<number> {
  return new Set(
    batch.flatMap(({ requests, by }) =>
      requests.flatMap(({ partition, change }) =>
        change.kind === 'promote' && change.instead === by ? [partition] : [],
      ),
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
