import { setTimeout } from 'node:timers/promises';
import { KvsError } from '@kvs/protocol';
import type { ServerSettings } from '../command-line/settings.js';
import { gauge, type MetricFamily, type MetricsSource } from '../metrics/metric-family.js';
import { Admission } from './admission.js';

export type BudgetLimits = Pick<ServerSettings, 'maxInFlightRequests' | 'maxInFlightBytes'>;

/** How much of the limits is in use. */
export interface Usage {
  requests: number;
  bytes: number;
}

/**
 * The budget of a process: how many requests may be in flight, and how many bytes they may hold together, whatever protocol
 * they come by. Each protocol draws on it through an {@link Admission} of its own.
 */
export class Budget implements MetricsSource {
  readonly #shared: Usage = { requests: 0, bytes: 0 };
  /** Requests in flight, whatever limits they count for. */
  #requests = 0;
  #arrivals = 0;
  #draining = false;
  #onIdle: (() => void) | undefined;
  readonly #admissions: Admission[] = [];

  readonly #limits: BudgetLimits;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  /**
   * Returns the admission of a protocol.
   *
   * @param protocol such as `http`; the label of its metrics
   */
  admissionOf(protocol: string): Admission {
    return this.#admission(protocol, this.#shared);
  }

  /**
   * Returns an admission that has the limits for itself, for requests that must be answered when clients have filled the server.
   *
   * @param protocol the label of its metrics
   */
  separateAdmissionOf(protocol: string): Admission {
    return this.#admission(protocol, { requests: 0, bytes: 0 });
  }

  #admission(protocol: string, usage: Usage): Admission {
    const admission = new Admission(this, protocol, usage);
    this.#admissions.push(admission);
    return admission;
  }

  /**
   * Returns the reason to refuse one more request, or undefined. O(1).
   *
   * @param usage what the request would add to
   * @param bytes what the request will hold, as far as it is known
   */
  refusal(usage: Usage, bytes: number): KvsError | undefined {
    this.#arrivals++;
    const { maxInFlightRequests, maxInFlightBytes } = this.#limits;
    if (this.#draining) return new KvsError('shutting_down', 'the server is shutting down');
    if (usage.requests >= maxInFlightRequests)
      return new KvsError('overloaded', `${usage.requests} requests are in flight`);
    // Unread answers are counted without a check, so there may already be more bytes than the limit.
    return usage.bytes > maxInFlightBytes ? fullOf(usage) : this.refusalOfBytes(usage, bytes, 0);
  }

  /**
   * Returns the reason to refuse more bytes of a request, or undefined. A request that holds all bytes in flight may exceed
   * the limit, so that the limits of a single request decide about it. O(1).
   *
   * @param own the bytes that the request holds already
   */
  refusalOfBytes(usage: Usage, bytes: number, own: number): KvsError | undefined {
    const isFull = usage.bytes > own && bytes > 0 && usage.bytes + bytes > this.#limits.maxInFlightBytes;
    return isFull ? fullOf(usage) : undefined;
  }

  /**
   * Returns the reason not to build an answer, or undefined. Answers count when they are written, so each must find the budget
   * not exceeded by those before it. O(1).
   *
   * @param own the bytes that its request holds
   */
  refusalOfAnswer(usage: Usage, own: number): KvsError | undefined {
    return usage.bytes > own && usage.bytes > this.#limits.maxInFlightBytes ? fullOf(usage) : undefined;
  }

  /** Counts `requests` more requests in flight and `bytes` more bytes; both may be negative. */
  add(usage: Usage, requests: number, bytes: number): void {
    usage.requests += requests;
    usage.bytes += bytes;
    this.#requests += requests;
    if (this.#requests === 0) this.#onIdle?.();
  }

  /** Notes the arrival of a request that is admitted without a check. */
  notice(): void {
    this.#arrivals++;
  }

  /** Refuses requests from now on. Resolves when no request is in flight. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#requests === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /**
   * Resolves when no request has come for `ms` milliseconds. Until then, the server properly refuses what clients sent on open
   * connections before they could know of the shutdown.
   */
  async quiet(ms: number): Promise<void> {
    let seen: number;
    do {
      seen = this.#arrivals;
      await setTimeout(ms);
    } while (seen !== this.#arrivals);
  }

  collect(): MetricFamily[] {
    const samples = (valueOf: (admission: Admission) => number) =>
      this.#admissions.map((admission) => ({
        labels: { protocol: admission.protocol },
        value: valueOf(admission),
      }));
    return [
      gauge(
        'kvs_requests_in_flight',
        'Requests in flight',
        samples(({ load }) => load.requests),
      ),
      gauge(
        'kvs_request_bytes_in_flight',
        'Bytes of requests in flight',
        samples(({ load }) => load.requestBytes),
      ),
      gauge(
        'kvs_unread_answer_bytes',
        'Bytes of answers that clients have not read',
        samples(({ load }) => load.unreadBytes),
      ),
    ];
  }
}

function fullOf({ bytes }: Usage): KvsError {
  return new KvsError('overloaded', `requests in flight hold ${bytes} bytes`);
}
