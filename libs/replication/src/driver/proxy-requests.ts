import type { EntryRequest, TopologyAnswer } from '@kvs/topology';

/** What a node asks any proxy of its cluster. Each method rejects if no proxy answers in time. */
export interface ControlPlane {
  /** Reads the topology from the store, not from the memory of a proxy. */
  readTopology(): Promise<TopologyAnswer>;
  /** Asks for changes of entries. The answer shows which of them were made. */
  askForChanges(requests: readonly EntryRequest[]): Promise<TopologyAnswer>;
}

export interface ProxyRequestsOptions {
  readonly controlPlane: ControlPlane;
  readonly learn: (answer: TopologyAnswer) => void;
  /** Called when no proxy answers. */
  readonly onUnreachable: (error: unknown) => void;
}

/**
 * The requests of a replica to proxies. At most one request of a kind is in flight, and what is asked meanwhile goes together in
 * the next one, because each answer is a whole topology.
 */
export class ProxyRequests {
  readonly #options: ProxyRequestsOptions;
  #changes: EntryRequest[] = [];
  #isAsking = false;
  #readers: (() => void)[] = [];
  #isReading = false;

  constructor(options: ProxyRequestsOptions) {
    this.#options = options;
  }

  /** Asks for changes. Nobody hears of a request that fails: the replica repeats it. */
  ask(changes: readonly EntryRequest[]): void {
    this.#changes.push(...changes);
    if (!this.#isAsking) void this.#askForAll();
  }

  /** Reads the topology by a request that is sent from now on. Calls back when it was learned, or never. */
  read(done: () => void): void {
    this.#readers.push(done);
    if (!this.#isReading) void this.#readForAll();
  }

  async #askForAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#changes.length > 0) {
      const changes = this.#changes;
      this.#changes = [];
      await this.#learnFrom(() => this.#options.controlPlane.askForChanges(changes));
    }
    this.#isAsking = false;
  }

  async #readForAll(): Promise<void> {
    this.#isReading = true;
    while (this.#readers.length > 0) {
      const readers = this.#readers;
      this.#readers = [];
      const hasAnswer = await this.#learnFrom(() => this.#options.controlPlane.readTopology());
      if (hasAnswer) for (const done of readers) done();
    }
    this.#isReading = false;
  }

  async #learnFrom(request: () => Promise<TopologyAnswer>): Promise<boolean> {
    let answer: TopologyAnswer;
    try {
      answer = await request();
    } catch (error) {
      this.#options.onUnreachable(error);
      return false;
    }
    this.#options.learn(answer);
    return true;
  }
}
