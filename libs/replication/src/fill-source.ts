import type { EnginePair } from '@kvs/kv-store';
import type { BootId } from '@kvs/topology';
import type { NodeContext, PartitionData } from './node-context.js';
import type { FillScan } from './ports.js';

/**
 * Sends the pairs of a partition to its learner. Effects go to the learner from before the first pair is read, so none is missed
 * (R15). Five limits slow a fill down, in this order:
 *
 * - `fillTurns`: few fills to a learner run at once.
 * - {@link CHUNKS_IN_FLIGHT}: a fill has few chunks that the learner has not acknowledged.
 * - `transfers`: all fills of a node share its bytes per second.
 * - `FillPace`, behind the engine port: a node that has calls rests before it reads a chunk.
 * - `chunkTurns`: all fills to a learner share a bound of bytes in flight.
 */
export class FillSource {
  readonly id: string;
  readonly learner: BootId;
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  readonly #scan: FillScan;
  #sent = 0;
  #acknowledged = 0;
  /** The functions that send the chunks which were read and are not acknowledged. The last one may wait for room. */
  readonly #chunks: (() => void)[] = [];
  /** Whether it waits for its turn, for the budget, for the engine, or for room. Stays true after the last chunk. */
  #isReading = true;
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
    node.fillTurns.enter(learner, this.#begin);
  }

  /** Whether the learner has all pairs. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Why the fill can't go on; undefined if it can. */
  get failure(): string | undefined {
    const { ports, times } = this.#node;
    const isWaiting = this.#isReading && !this.#hasEnded && this.#hasNothingInFlight;
    const isStuck = !this.#isDone && !isWaiting && ports.nowMs() - this.#progressMs > times.fillTimeoutMs;
    return this.#failure ?? (isStuck ? 'the learner makes no progress' : undefined);
  }

  /** About how many bytes of pairs were sent. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  chunkAnswered(number: number, failure: string | undefined): void {
    this.#progressMs = this.#node.ports.nowMs();
    const count = Math.max(0, Math.min(number + 1, this.#sent) - this.#acknowledged);
    this.#acknowledged += count;
    this.#release(count);
    if (failure !== undefined) this.fail(failure);
    this.#read();
  }

  answered(): void {
    this.#isDone = true;
    this.#leave();
  }

  /** Gives the fill up. */
  fail(reason: string): void {
    this.#failure ??= reason;
    this.#leave();
  }

  close(): void {
    this.#hasEnded = true;
    this.#node.transfers.cancel(this.#readChunk);
    this.#scan.close();
    this.#leave();
  }

  get #hasNothingInFlight(): boolean {
    return this.#sent === this.#acknowledged;
  }

  readonly #begin = (): void => {
    this.#isReading = false;
    this.#read();
  };

  /** Lets another fill have its turn. */
  #leave(): void {
    this.#release(this.#chunks.length);
    this.#node.fillTurns.leave(this.learner, this.#begin);
  }

  /** Gives the turns of the first chunks to others. */
  #release(count: number): void {
    const { chunkTurns } = this.#node;
    for (const chunk of this.#chunks.splice(0, count)) chunkTurns.leave(this.learner, chunk);
  }

  /** Reads chunks while few are in flight and the budget allows it. */
  #read(): void {
    const isFree = this.#sent - this.#acknowledged < CHUNKS_IN_FLIGHT;
    if (this.#isReading || this.#hasEnded || this.#failure !== undefined || !isFree) return;
    this.#isReading = true;
    this.#node.transfers.request(this.#readChunk);
  }

  readonly #readChunk = (): void => {
    const { ports, transfers } = this.#node;
    this.#scan.next((result) => {
      this.#noteProgress();
      const bytes = typeof result === 'string' ? 0 : bytesOf(result);
      transfers.spent(bytes);
      if (this.#hasEnded || this.#failure !== undefined) return;
      if (result === 'failed') this.fail('the pairs cannot be read');
      else if (result === 'end') {
        this.#hasEnded = true;
        ports.send(this.learner, {
          kind: 'fillEnd',
          partition: this.#data.number,
          fillId: this.id,
          chunkCount: this.#sent,
        });
      } else this.#sendInTurn(result, bytes);
    });
  };

  /** Sends a chunk once there is room for it. */
  #sendInTurn(pairs: readonly EnginePair[], bytes: number): void {
    const { ports, chunkTurns } = this.#node;
    const send = (): void => {
      this.#noteProgress();
      this.#isReading = false;
      this.#sentBytes += bytes;
      ports.send(this.learner, {
        kind: 'fillChunk',
        partition: this.#data.number,
        fillId: this.id,
        number: this.#sent++,
        pairs,
      });
      this.#read();
    };
    this.#chunks.push(send);
    chunkTurns.enter(this.learner, send, bytes);
  }

  /** A wait of the fill has ended. Its learner owed no answer meanwhile if nothing was in flight. */
  #noteProgress(): void {
    if (this.#hasNothingInFlight) this.#progressMs = this.#node.ports.nowMs();
  }
}

function bytesOf(pairs: readonly EnginePair[]): number {
  return pairs.reduce((sum, { id, value }) => sum + id.length + value.data.length, 0);
}

const CHUNKS_IN_FLIGHT = 2;
