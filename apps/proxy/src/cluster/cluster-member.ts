import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { KvsError, messageOf, systemTimers } from '@kvs/protocol';
import { TopologyTable } from '@kvs/router';
import type { Logger } from '@kvs/server';
import { ClusterControl, LastingProblem, type TopologyStore } from '@kvs/topology';
import type { ClusterConfig } from './cluster-config.js';
import { NodeClient } from './node-client.js';

export interface ClusterMemberOptions {
  readonly config: ClusterConfig;
  /** Addresses of nodes that the proxy invites. */
  readonly nodes: readonly string[];
  readonly store: TopologyStore;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** The limit of the proxy. */
  readonly maxInFlightRequests: number;
}

/** The proxy's part in a cluster: its control plane, its routing table, and the invitations of the nodes that it was given. */
export class ClusterMember {
  /** Follows the topology. Has no node before the proxy listens. */
  readonly table = new TopologyTable();
  readonly #options: ClusterMemberOptions;
  readonly #client = new NodeClient();
  readonly #ended = new AbortController();
  readonly #startProblem: LastingProblem;
  readonly #alive = setInterval(() => (this.#aliveMs = performance.now()), ALIVE_EVERY_MS).unref();
  #aliveMs = performance.now();
  #control: ClusterControl | undefined;

  constructor(options: ClusterMemberOptions) {
    this.#options = options;
    this.#startProblem = new LastingProblem(options.logger, 'the proxy waits for the topology');
  }

  /** @throws KvsError `store_unavailable` before the proxy listens */
  get control(): ClusterControl {
    if (this.#control === undefined)
      throw new KvsError('store_unavailable', 'the proxy has only just started');
    return this.#control;
  }

  /** The id of the cluster, as soon as the proxy has read its topology. */
  get clusterId(): string | undefined {
    return this.#control?.topology?.clusterId;
  }

  /** The time of the cluster as far as this proxy knows it, in milliseconds since the Unix epoch. */
  get timeMs(): number {
    return this.#control?.timeMs ?? Date.now();
  }

  /**
   * Returns the earliest time at which a request that is handled now may have come, by the monotonic clock. If the process
   * stood still, the request may have waited all that time.
   */
  receivedMs(): number {
    const nowMs = performance.now();
    return nowMs - this.#aliveMs > 2 * ALIVE_EVERY_MS ? this.#aliveMs : nowMs;
  }

  /**
   * The proxy listens at this URL. Resolves once it has read the topology, however long the store is away, or once the proxy is
   * closed.
   */
  async listening(url: string): Promise<void> {
    const { config, nodes, maxInFlightRequests, store, logger } = this.#options;
    const { copies, minInSync, replaceAfterMs, whenLost, transferBytesPerSecond, advertise = url } = config;
    const control = new ClusterControl(
      {
        cluster: { clusterId: randomUUID(), copies, minInSync },
        url: advertise,
        transferBytesPerSecond,
        maxNewsRequests: Math.ceil(maxInFlightRequests / 2),
        replaceAfterMs,
        whenLost,
        expectedNodes: nodes,
      },
      {
        store,
        timers: { ...systemTimers, wallMs: Date.now },
        confirmPromotions: (address, question) => this.#client.confirmPromotions(address, question),
        log: logger,
      },
    );
    control.watch((topology) => this.table.learn(topology));
    this.#control = control;
    while (!(await this.#hasStarted(control))) {
      await this.#pause();
      if (this.#ended.signal.aborted) return;
    }
    void this.#inviteForever(control, advertise);
  }

  /** Ends the requests that wait for a newer topology, because a shutdown waits for them, and lets another proxy lead. */
  async leave(): Promise<void> {
    try {
      await this.#control?.leave();
    } catch (error) {
      this.#options.logger.warn(`the proxy leads until its claim ends: ${messageOf(error)}`);
    }
  }

  async close(): Promise<void> {
    this.#ended.abort();
    clearInterval(this.#alive);
    this.#control?.stop();
    await this.#options.store.close();
  }

  /** @throws KvsError `invalid_topology` */
  async #hasStarted(control: ClusterControl): Promise<boolean> {
    try {
      await control.start();
      return true;
    } catch (error) {
      if (!(error instanceof KvsError) || error.code !== 'store_unavailable') throw error;
      this.#startProblem.meet(error);
      return false;
    }
  }

  async #inviteForever(control: ClusterControl, proxy: string): Promise<void> {
    const { nodes, logger } = this.#options;
    const problems = new Map(
      nodes.map((address) => [address, new LastingProblem(logger, `${address} cannot be invited`)]),
    );
    while (!this.#ended.signal.aborted) {
      await Promise.all(
        control.silent(nodes).map((address) =>
          this.#client.invite({ proxy, address }).then(
            () => problems.get(address)?.end(),
            (error: unknown) => problems.get(address)?.meet(error),
          ),
        ),
      );
      await this.#pause();
    }
  }

  async #pause(): Promise<void> {
    await delay(PAUSE_MS, undefined, { signal: this.#ended.signal }).catch(() => undefined);
  }
}

const PAUSE_MS = 1000;
const ALIVE_EVERY_MS = 200;
