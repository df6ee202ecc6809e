import type { EngineEntry } from '@kvs/kv-store';
import type { KeyId } from '@kvs/protocol';
import type { ApplyResult, WriteBatch, WriteOutcomes } from '../src/ports.js';
import { EngineDouble, type EngineCall } from '../src/testing/engine-double.js';

/** An engine that answers at once, or when a test says so. */
export class MapEngine extends EngineDouble {
  evicts = false;
  isFullNow = false;
  /** Results of the next calls of each kind; afterwards all succeed. */
  readonly results: Partial<Record<EngineCall, ApplyResult[]>> = {};
  /** Whether `write` does not say what it wrote. */
  isVague = false;
  /** If set, calls that change pairs wait here until the test runs them. */
  waiting: (() => void)[] | undefined;

  override isFull(): boolean {
    return this.isFullNow;
  }

  override write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void {
    super.write(partition, batch, epoch, (outcomes) => done(this.isVague ? undefined : outcomes));
  }

  entries(partition: number): ReadonlyMap<KeyId, EngineEntry> {
    return this.partition(partition).pairs;
  }

  protected call<T>(work: () => T, done: (result: T) => void): void {
    const run = () => done(work());
    if (this.waiting === undefined) run();
    else this.waiting.push(run);
  }

  protected result(call: EngineCall): ApplyResult {
    return this.results[call]?.shift() ?? 'applied';
  }

  protected countApplied(): number {
    return 0;
  }
}
