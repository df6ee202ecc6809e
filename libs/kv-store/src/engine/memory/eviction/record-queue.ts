import type { Records } from '../records.js';

/** A doubly linked list of all records, from newest to oldest. The links are in the records; 0 marks both ends. */
export class RecordQueue {
  newest = 0;
  oldest = 0;

  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  push(ref: number): void {
    this.#records.setNewer(ref, 0);
    this.#records.setOlder(ref, this.newest);
    if (this.newest === 0) this.oldest = ref;
    else this.#records.setNewer(this.newest, ref);
    this.newest = ref;
  }

  remove(ref: number): void {
    const older = this.#records.older(ref);
    const newer = this.#records.newer(ref);
    if (newer === 0) this.newest = older;
    else this.#records.setOlder(newer, older);
    if (older === 0) this.oldest = newer;
    else this.#records.setNewer(older, newer);
  }

  /** Replaces one record with another. */
  replace(from: number, to: number): void {
    const older = this.#records.older(from);
    const newer = this.#records.newer(from);
    this.#records.setOlder(to, older);
    this.#records.setNewer(to, newer);
    if (newer === 0) this.newest = to;
    else this.#records.setOlder(newer, to);
    if (older === 0) this.oldest = to;
    else this.#records.setNewer(older, to);
  }
}
