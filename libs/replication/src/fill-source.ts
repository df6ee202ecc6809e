import type { BootId } from '@kvs/topology';
import type { NodeContext, PartitionData } from './node-context.js';
import type { FillScan } from './ports.js';

/**
 * Sends the pairs of a partition to its learner. Effects go to the learner from before the first pair is read, so none is missed
 * (R15). A learner acknowledges each chunk, so that a slow one has little in flight.
 */
export class FillSource {
  readonly id: string;
  readonly learner: BootId;
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  readonly #scan: FillScan;
  #sent = 0;
  #acknowledged = 0;
  #isReading = false;
  #hasEnded = false;
  #isDone = false;
  #failure: string | undefined;
  #progressMs: number;
  #sentBytes = 0;

  /** Begins the fill. */
  constructor(node: NodeContext, data: PartitionData, epoch: number, learner: BootId) {
    const { ports } = node;
    this.id = node.newFillId();
    this.learner = learner;
    this.#node = node;
    this.#data = data;
    this.#progressMs = ports.nowMs();
    ports.send(learner, {
      kind: 'fillStart',
      partition: data.number,
      epoch,
      fillId: this.id,
      position: data.tail.end,
      highestVersion: ports.engine.highestVersion(data.number),
    });
    this.#scan = ports.engine.scan(data.number);
    this.#read();
  }

  /** Whether the learner has all pairs. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Why the fill can't go on; undefined if it can. */
  get failure(): string | undefined {
    const { ports, times } = this.#node;
    const isStuck = !this.#isDone && ports.nowMs() - this.#progressMs > times.fillTimeoutMs;
    return this.#failure ?? (isStuck ? 'the learner makes no progress' : undefined);
  }

  /** About how many bytes of pairs were sent. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  chunkAnswered(number: number, failure: string | undefined): void {
    this.#progressMs = this.#node.ports.nowMs();
    this.#failure ??= failure;
    this.#acknowledged = Math.max(this.#acknowledged, number + 1);
    this.#read();
  }

  answered(): void {
    this.#isDone = true;
  }

  /** Gives the fill up. */
  fail(reason: string): void {
    this.#failure ??= reason;
  }

  close(): void {
    this.#hasEnded = true;
    this.#scan.close();
  }

  /** Reads chunks while few are in flight. */
  #read(): void {
    const isFree = this.#sent - this.#acknowledged < CHUNKS_IN_FLIGHT;
    if (this.#isReading || this.#hasEnded || this.#failure !== undefined || !isFree) return;
    this.#isReading = true;
    this.#scan.next((result) => {
      this.#isReading = false;
      if (this.#hasEnded) return;
      const { number: partition } = this.#data;
      if (result === 'failed') this.#failure = 'the pairs can not be read';
      else if (result === 'end') {
        this.#hasEnded = true;
        this.#node.ports.send(this.learner, {
          kind: 'fillEnd',
          partition,
          fillId: this.id,
          chunkCount: this.#sent,
        });
      } else {
        const number = this.#sent++;
        for (const { id, value } of result) this.#sentBytes += id.length + value.data.length;
        this.#node.ports.send(this.learner, {
          kind: 'fillChunk',
          partition,
          fillId: this.id,
          number,
          pairs: result,
        });
        this.#read();
      }
    });
  }
}

const CHUNKS_IN_FLIGHT = 2;
