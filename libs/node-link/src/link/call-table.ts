/**
 * Calls by id, until they are answered. Ids ascend, and are unique among the unanswered calls.
 *
 * A `Map` would keep answered calls alive: when it grows, V8 makes a new table, and the old one, which still has answered
 * calls, refers to the new one. Once one of these tables is in the old generation, all later ones survive with their calls
 * until the next full collection.
 */
export class CallTable<C extends object> {
  /** How many calls are unanswered. */
  size = 0;
  /** The slot of a call is the last bits of its id. */
  #calls: (C | undefined)[] = emptySlots(MIN_SLOTS);
  #ids = new Uint32Array(MIN_SLOTS);
  #lastId = 0;

  /** @returns its id, of 32 bits; constant time, but for a growth now and then */
  add(call: C): number {
    if (this.size >= this.#calls.length / 2) this.#grow();
    const mask = this.#calls.length - 1;
    // Skips ids whose slot an older call has. At least half of the slots are free.
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#calls[this.#lastId & mask] !== undefined);
    this.#put(this.#lastId, call);
    this.size++;
    return this.#lastId;
  }

  get(id: number): C | undefined {
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

  /** Returns all calls. Visits all slots, as many as the largest number of calls took, and sorts the calls. */
  oldestFirst(): readonly C[] {
    return this.#entries()
      .sort((one, other) => this.#ageOf(other.id) - this.#ageOf(one.id))
      .map(({ call }) => call);
  }

  /** Returns how many ids were given since, also if the ids have wrapped around. */
  #ageOf(id: number): number {
    return (this.#lastId - id) >>> 0;
  }

  /** Doubles the slots. Calls with different slots still have different slots then. */
  #grow(): void {
    const entries = this.#entries();
    const slots = 2 * this.#calls.length;
    this.#calls = emptySlots(slots);
    this.#ids = new Uint32Array(slots);
    for (const { id, call } of entries) this.#put(id, call);
  }

  #put(id: number, call: C): void {
    const slot = id & (this.#calls.length - 1);
    this.#calls[slot] = call;
    this.#ids[slot] = id;
  }

  #entries(): { readonly id: number; readonly call: C }[] {
    return this.#calls.flatMap((call, slot) =>
      call === undefined ? [] : [{ id: this.#ids[slot] ?? 0, call }],
    );
  }
}

/** A power of two. */
const MIN_SLOTS = 64;

function emptySlots(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}
