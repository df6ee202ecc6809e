import { LEAD_FOR_MS } from '../topology-store.js';
import { LastingProblem } from './lasting-problem.js';
import type { ControlPorts } from './ports.js';

/**
 * A proxy's claim to lead. It is renewed every second, whatever else the proxy waits for, because another proxy leads if it is late.
 */
export class Lead {
  readonly #ports: Pick<ControlPorts, 'store' | 'timers'>;
  readonly #url: string;
  readonly #begun: () => void;
  readonly #problem: LastingProblem;
  /** The answer of the store to the last claim. */
  #leader: string | undefined;
  /** When the last claim that succeeded began. */
  #claimedMs = 0;
  /** The claim that runs; undefined between claims. */
  #claiming: Promise<void> | undefined;
  #isStopped = false;
  #cancel: () => void = () => undefined;

  /**
   * @param url of this proxy
   * @param begun called when this proxy begins to lead
   */
  constructor(ports: Pick<ControlPorts, 'store' | 'timers' | 'log'>, url: string, begun: () => void) {
    this.#ports = ports;
    this.#url = url;
    this.#begun = begun;
    this.#problem = new LastingProblem(ports.log, 'the proxy cannot claim to lead');
  }

  /** The URL of the proxy that leads; undefined as long as that is unknown. */
  get leader(): string | undefined {
    return this.isCutOff ? undefined : this.#leader;
  }

  get isOwn(): boolean {
    return this.leader === this.#url;
  }

  /** Whether the store has answered no claim for so long that another proxy may lead. */
  get isCutOff(): boolean {
    return this.#ports.timers.nowMs() - this.#claimedMs > LEAD_FOR_MS;
  }

  /** Claims to lead from now on. */
  start(): void {
    this.#claimedMs = this.#ports.timers.nowMs();
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
    const { store, timers } = this.#ports;
    const begunMs = timers.nowMs();
    try {
      const leader = await store.claimLead(this.#url);
      const wasOwn = this.isOwn;
      this.#leader = leader;
      this.#claimedMs = begunMs;
      this.#problem.end();
      if (this.isOwn && !wasOwn && !this.#isStopped) this.#begun();
    } catch (error) {
      this.#problem.meet(error);
    }
    this.#claiming = undefined;
    if (!this.#isStopped) this.#cancel = timers.after(CLAIM_EACH_MS, () => (this.#claiming = this.#claim()));
  }
}

const CLAIM_EACH_MS = 1000;
