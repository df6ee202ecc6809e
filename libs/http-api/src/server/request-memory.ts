import type { ServerResponse } from 'node:http';
import type { KvsError } from '@kvs/protocol';
import type { Admission } from '@kvs/server';

/** The memory that an admitted request holds, as its admission counts it. */
export class RequestMemory {
  /** Of the body, as far as it has arrived. */
  #bodyBytes = 0;
  /** Of a page that is collected before it is sent. */
  #pageBytes = 0;
  /** Of the answer, as far as the client has not read it. */
  #unreadBytes = 0;

  readonly #admission: Admission;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /** Counts an admitted request until its response closes. */
  static untilClosed(admission: Admission, response: ServerResponse): RequestMemory {
    const memory = new RequestMemory(admission);
    // Each event comes once; `on` costs less than `once`.
    response.on('prefinish', () => memory.countUnread(response.writableLength));
    response.on('close', () => memory.release());
    return memory;
  }

  /** Counts further bytes of the body. Returns the refusal if the budget has no room for them. */
  holdBody(bytes: number): KvsError | undefined {
    const refusal = this.#admission.hold(bytes, this.#bodyBytes);
    if (refusal === undefined) this.#bodyBytes += bytes;
    return refusal;
  }

  /**
   * Counts `bytes` as those of the page.
   *
   * @throws KvsError `overloaded` if the budget has no room for them
   */
  holdPage(bytes: number): void {
    const refusal = this.#admission.hold(bytes - this.#pageBytes, this.#bodyBytes + this.#pageBytes);
    if (refusal) throw refusal;
    this.#pageBytes = bytes;
  }

  /** Counts `bytes` of the answer as those that the client has not read. */
  countUnread(bytes: number): void {
    if (bytes === this.#unreadBytes) return;
    this.#admission.addUnread(bytes - this.#unreadBytes);
    this.#unreadBytes = bytes;
  }

  /**
   * Checks that there is room for an answer. Many requests may be admitted before the first of their answers is counted.
   *
   * @throws KvsError `overloaded`
   */
  checkAnswer(): void {
    const refusal = this.#admission.refusalOfAnswer(this.#bodyBytes);
    if (refusal) throw refusal;
  }

  /** Ends the request: nothing is counted for it any more. */
  release(): void {
    this.countUnread(0);
    this.#admission.leave(this.#bodyBytes + this.#pageBytes);
  }
}
