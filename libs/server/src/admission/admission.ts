import type { KvsError } from '@kvs/protocol';
import type { Budget, Usage } from './budget.js';

/** The requests in flight of one protocol, and their bytes. */
export interface Load {
  readonly requests: number;
  /** Bytes that requests hold: bodies, and calls with their items. */
  readonly requestBytes: number;
  /** Bytes of answers that clients have not read. */
  readonly unreadBytes: number;
}

/**
 * The check that a request for pairs passes before any work is done for it. Each listener has one, for its protocol; all share the
 * process's {@link Budget}, except that the control plane counts for limits of its own. Requests that hold little, such as Redis
 * commands without keys, don't pass it, so authentication doesn't belong here.
 *
 * Each method takes constant time, because each is called for every request.
 */
export class Admission {
  #requests = 0;
  #requestBytes = 0;
  #unreadBytes = 0;

  readonly #budget: Budget;
  readonly #usage: Usage;

  /**
   * @param protocol of the requests, such as `http`
   * @param usage what counts for the limits, of these requests and others
   */
  constructor(
    budget: Budget,
    readonly protocol: string,
    usage: Usage,
  ) {
    this.#budget = budget;
    this.#usage = usage;
  }

  /**
   * Admits a request unless the budget has no room for it.
   *
   * @param bytes what the request will hold, as far as it is known
   * @param counted the bytes that count at once, all by default. Bytes that are only announced take no memory; {@link hold}
   * counts them as they arrive.
   * @returns the refusal; undefined if the request is admitted, and then {@link leave} is called once
   */
  enter(bytes: number, counted = bytes): KvsError | undefined {
    const refusal = this.#budget.refusal(this.#usage, bytes);
    if (refusal === undefined) this.#add(1, counted);
    return refusal;
  }

  /** Admits a request that is answered even if the server is full, such as one for its health. */
  enterAlways(): void {
    this.#budget.notice();
    this.#add(1, 0);
  }

  /**
   * Counts bytes as they arrive: those of an admitted request, or those that a connection holds between requests.
   *
   * @param bytes by how much they grow. A negative number is never refused.
   * @param own the bytes that the request or the connection holds already
   * @returns the refusal; undefined if the bytes are counted
   */
  hold(bytes: number, own: number): KvsError | undefined {
    const refusal = this.#budget.refusalOfBytes(this.#usage, bytes, own);
    if (refusal === undefined) this.#add(0, bytes);
    return refusal;
  }

  /** Stops counting bytes that {@link hold} has counted. */
  release(bytes: number): void {
    this.#add(0, -bytes);
  }

  /**
   * Returns the reason not to build the answer to an admitted request, because answers that clients have not read exceed the
   * budget; otherwise undefined.
   *
   * @param own the bytes that the request holds
   */
  refusalOfAnswer(own: number): KvsError | undefined {
    return this.#budget.refusalOfAnswer(this.#usage, own);
  }

  /**
   * Ends an admitted request.
   *
   * @param bytes all that were counted for it
   */
  leave(bytes: number): void {
    this.#add(-1, -bytes);
  }

  /**
   * Counts bytes of answers that clients have not read.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addUnread(bytes: number): void {
    this.#unreadBytes += bytes;
    this.#budget.add(this.#usage, 0, bytes);
  }

  /**
   * Counts bytes of requests that have not arrived in full and are not admitted yet.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addIncomplete(bytes: number): void {
    this.#add(0, bytes);
  }

  /** Whether the server refuses all requests because it is shutting down. */
  get isDraining(): boolean {
    return this.#budget.isDraining;
  }

  get load(): Load {
    return { requests: this.#requests, requestBytes: this.#requestBytes, unreadBytes: this.#unreadBytes };
  }

  #add(requests: number, bytes: number): void {
    this.#requests += requests;
    this.#requestBytes += bytes;
    this.#budget.add(this.#usage, requests, bytes);
  }
}
