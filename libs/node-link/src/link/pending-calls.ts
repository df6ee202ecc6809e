import type { Call } from '../pending-call.js';

/**
 * Calls by their id, until they are answered. Ids are given in turn and stay unique among the unanswered.
 *
 * It is not a `Map`, for calls come and go all the time. V8 has a `Map` make itself a new table every so often, and the
 * old one, which holds calls that are long answered, refers to the new one. As soon as one of these tables is in the old
 * generation, all that follow it survive, with what they hold, until the next full collection.
 */
export class PendingCalls {
  /** How many are unanswered. */
  size = 0;
  /** A call is at the last bits of its id. */
  #calls: (Call | undefined)[] = emptySlots(LEAST_SLOTS);
  #ids = new Uint32Array(LEAST_SLOTS);
  #lastId = 0;

  /** @returns its id, of 32 bits; constant time, but for a growth now and then */
  add(call: Call): number {
    if (this.size >= this.#calls.length / 2) this.#grow();
    const mask = this.#calls.length - 1;
    // Where an older one still has the place, an id is passed over: half of all places are free.
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#calls[this.#lastId & mask] !== undefined);
    this.#put(this.#lastId, call);
    this.size++;
    return this.#lastId;
  }

  get(id: number): Call | undefined {
    const slot = id & (this.#calls.length - 1);
    return this.#ids[slot] === id ? this.#calls[slot] : undefined;
  }

  delete(id: number): void {
    if (this.get(id) === undefined) return;
    this.#calls[id & (this.#calls.length - 1)] = undefined;
    this.size--;
  }

  clear(): void {
    this.#calls.fill(undefined);
    this.size = 0;
  }

  /** All of them; takes time by the most that there have been. */
  oldestFirst(): readonly Call[] {
    return this.#entries()
      .sort((one, other) => this.#ageOf(other.id) - this.#ageOf(one.id))
      .map(({ call }) => call);
  }

  /** In ids given since. Their count wraps around, which this bears. */
  #ageOf(id: number): number {
    return (this.#lastId - id) >>> 0;
  }

  /** No two that had a place each come to have the same in twice as many. */
  #grow(): void {
    const entries = this.#entries();
    const slots = 2 * this.#calls.length;
    this.#calls = emptySlots(slots);
    this.#ids = new Uint32Array(slots);
    for (const { id, call } of entries) this.#put(id, call);
  }

  #put(id: number, call: Call): void {
    const slot = id & (this.#calls.length - 1);
    this.#calls[slot] = call;
    this.#ids[slot] = id;
  }

  #entries(): { readonly id: number; readonly call: Call }[] {
    return this.#calls.flatMap((call, slot) =>
      call === undefined ? [] : [{ id: this.#ids[slot] ?? 0, call }],
    );
  }
}

/** A power of two. */
const LEAST_SLOTS = 64;

function emptySlots(count: number): (Call | undefined)[] {
  return new Array<Call | undefined>(count).fill(undefined);
}
