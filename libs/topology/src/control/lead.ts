import { LEAD_FOR_MS } from '../topology-store.js';
import { LastingProblem } from './lasting-problem.js';
import type { ControlPorts } from './ports.js';

/**
 * A proxy's claim to lead. It is renewed every second, whatever else the proxy waits for, because another proxy leads if it is late.
 * A proxy takes the lead from one that nodes don't reach.
 */
export class Lead {
  readonly #ports: Pick<ControlPorts, 'store' | 'timers' | 'log'>;
  readonly #url: string;
  readonly #hearsMost: () => boolean;
  readonly #onBegin: () => void;
  readonly #problem: LastingProblem;
  /** The answer of the store to the last claim. */
  #leader: string | undefined;
  /** When the last claim that succeeded began. */
  #claimedMs = -Infinity;
  /** How often in a row this proxy claimed to lead while one other proxy led, although most nodes reported here. */
  #neededClaims = 0;
  /** The claim that runs; undefined between claims. */
  #claiming: Promise<void> | undefined;
  #isStopped = false;
  #cancel: () => void = () => undefined;

  /**
   * @param url of this proxy
   * @param hearsMost returns whether most nodes report to this proxy
   * @param onBegin called when this proxy begins to lead
   */
  constructor(
    ports: Pick<ControlPorts, 'store' | 'timers' | 'log'>,
    url: string,
    hearsMost: () => boolean,
    onBegin: () => void,
  ) {
    this.#ports = ports;
    this.#url = url;
    this.#hearsMost = hearsMost;
    this.#onBegin = onBegin;
    this.#problem = new LastingProblem(ports.log, 'the proxy cannot claim to lead');
  }

  /** The URL of the proxy that leads; undefined as long as that is unknown. */
  get leader(): string | undefined {
    return this.#isCutOff ? undefined : this.#leader;
  }

  get isOwn(): boolean {
    return this.leader === this.#url;
  }

  /** Whether the last answer of the store is so old that another proxy may lead. True also before the first answer. */
  get #isCutOff(): boolean {
    return this.#ports.timers.nowMs() - this.#claimedMs > LEAD_FOR_MS;
  }

  /** Claims to lead from now on. */
  start(): void {
    this.#claiming = this.#claim();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /**
   * Stops, and lets another proxy lead.
   *
   * @throws KvsError `store_unavailable`: the lead ends by itself
   */
  async resign(): Promise<void> {
    this.stop();
    await this.#claiming;
    const wasOwn = this.isOwn;
    this.#leader = undefined;
    if (wasOwn) await this.#ports.store.resignLead();
  }

  async #claim(): Promise<void> {
    const { store, timers, log } = this.#ports;
    const begunMs = timers.nowMs();
    const isNeeded = !this.isOwn && this.leader !== undefined && this.#hearsMost();
    this.#neededClaims = isNeeded ? this.#neededClaims + 1 : 0;
    const deposed = this.#neededClaims > CLAIMS_BEFORE_TAKEOVER ? this.leader : undefined;
    try {
      const leader = await store.claimLead(this.#url, deposed);
      const wasOwn = this.isOwn;
      // Nodes have not heard of another leader yet.
      if (leader !== this.#leader) this.#neededClaims = 0;
      this.#leader = leader;
      this.#claimedMs = begunMs;
      this.#problem.end();
      if (deposed !== undefined && this.isOwn)
        log.warn(
          { deposed },
          `takes the lead from ${deposed}, because most nodes report to this proxy instead`,
        );
      if (this.isOwn && !wasOwn && !this.#isStopped) this.#onBegin();
    } catch (error) {
      this.#problem.meet(error);
    }
    this.#claiming = undefined;
    if (!this.#isStopped) this.#cancel = timers.after(CLAIM_EACH_MS, () => (this.#claiming = this.#claim()));
  }
}

const CLAIM_EACH_MS = 1000;
/** Nodes report to the proxy that leads if they can. After a change of the lead, they know of it some seconds later. */
const CLAIMS_BEFORE_TAKEOVER = 10;
