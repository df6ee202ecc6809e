import type { Socket } from 'node:net';

/** One direction of a relayed connection: passes on what comes from one end to the other, and holds it while it is stalled. */
export class Flow {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #isStalled: () => boolean;
  readonly #held: Buffer[] = [];
  /** How the source ended its half, until that was passed on after the bytes that are held. */
  #end: 'ended' | 'closed' | undefined;
  #isOpen = true;

  constructor(source: Socket, sink: Socket, isStalled: () => boolean) {
    this.#source = source;
    this.#sink = sink;
    this.#isStalled = isStalled;
    source.on('end', () => this.#finish('ended'));
    source.on('close', () => this.#finish('closed'));
    sink.on('drain', () => this.update());
  }

  /** Passes a chunk on, or holds it. */
  take(chunk: Buffer): void {
    this.#held.push(chunk);
    this.update();
  }

  /** Looks again whether the direction is stalled. */
  update(): void {
    if (this.#isStalled()) {
      if (this.#held.length > 0) this.#source.pause();
      return;
    }
    for (const chunk of this.#held.splice(0)) this.#sink.write(chunk);
    if (this.#sink.writableNeedDrain) this.#source.pause();
    else if (this.#isOpen) this.#source.resume();
    // Once: each call of destroySoon adds a listener while the sink has bytes to send.
    if (this.#end === 'ended') this.#sink.end();
    if (this.#end === 'closed') this.#sink.destroySoon();
    this.#end = undefined;
  }

  #finish(end: 'ended' | 'closed'): void {
    this.#end = end;
    this.#isOpen = false;
    this.update();
  }
}
