import type { Kind } from '../batch.js';
import type { Refusal } from '../codec/refusal.js';
import type { CallAdmission } from './call-admission.js';

/** The operations that are counted. */
export type LinkOperation = Kind | 'scan';

/** Counts the operations in flight over all links of a node, and those begun and refused since the start. */
export class LinkLoad {
  readonly #begun: Record<LinkOperation, number> = { set: 0, fetch: 0, query: 0, delete: 0, scan: 0 };
  #refused = 0;
  #inFlight = 0;
  #isDraining = false;

  readonly #admission: CallAdmission;
  readonly #onIdle: () => void;

  /** @param onIdle called when nothing is in flight any more */
  constructor(admission: CallAdmission, onIdle: () => void) {
    this.#admission = admission;
    this.#onIdle = onIdle;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** How many operations were begun, by kind. */
  get begun(): Readonly<Record<LinkOperation, number>> {
    return { ...this.#begun };
  }

  /** How many calls and streams were refused before they began. */
  get refused(): number {
    return this.#refused;
  }

  /** Refuses everything from now on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Counts an operation as in flight until `leave`, or returns the refusal. */
  enter(operation: LinkOperation, bytes: number): Refusal | undefined {
    const refusal = this.#isDraining ? SHUTTING_DOWN : this.#admission.enter(bytes);
    if (refusal !== undefined) {
      this.#refused++;
      return refusal;
    }
    this.#begun[operation]++;
    this.#inFlight++;
    return undefined;
  }

  leave(bytes: number): void {
    this.#admission.leave(bytes);
    this.#inFlight--;
    if (this.#inFlight === 0) this.#onIdle();
  }

  /** Counts a call that was refused because it is not valid. */
  countRefusal(): void {
    this.#refused++;
  }
}

const SHUTTING_DOWN: Refusal = { code: 'shutting_down', message: 'the server is shutting down' };
