import type { BootId, PartitionEntry } from '@kvs/topology';
import { Follower } from './follower.js';
import type { NodeContext, PartitionData } from './node-context.js';

/** The other processes with copies of a partition, as its primary sees them: a follower for each in-sync copy and the learner. */
export class Followers implements Iterable<Follower> {
  readonly #node: NodeContext;
  readonly #data: PartitionData;
  readonly #followers = new Map<BootId, Follower>();

  constructor(node: NodeContext, data: PartitionData) {
    this.#node = node;
    this.#data = data;
  }

  [Symbol.iterator](): Iterator<Follower> {
    return this.#followers.values();
  }

  get(bootId: BootId): Follower | undefined {
    return this.#followers.get(bootId);
  }

  /** Brings the followers in line with an entry. */
  follow({ inSync, learner }: PartitionEntry): void {
    const wanted = new Set([...inSync, ...(learner === undefined ? [] : [learner])]);
    wanted.delete(this.#node.bootId);
    for (const [known, follower] of this.#followers) {
      if (wanted.has(known)) continue;
      follower.close();
      this.#followers.delete(known);
    }
    for (const copy of wanted) {
      const isInSync = inSync.includes(copy);
      const follower = this.#followers.get(copy);
      // A copy may have been removed, and named as learner again, in an entry that this node has not seen.
      const isLearnerAgain = follower?.isInSync === true && !isInSync;
      if (follower === undefined || isLearnerAgain)
        this.#followers.set(copy, new Follower(this.#node, this.#data, copy, isInSync));
      else follower.entryChanged(isInSync);
    }
  }

  /** Returns whether every copy that answers wait for has promised not to acknowledge another primary (R10). */
  haveGivenLeases(): boolean {
    if (this.#followers.size === 0 || !this.#node.follows('R10')) return true;
    const nowMs = this.#node.ports.leaseNowMs();
    for (const { isRequired, bootId } of this.#followers.values())
      if (isRequired && this.#node.leases.leaseUntilMs(bootId) < nowMs) return false;
    return true;
  }

  /** Returns whether a copy that answers wait for can take no further pairs. */
  get isFull(): boolean {
    for (const { isRequired, bootId } of this.#followers.values())
      if (isRequired && this.#node.leases.isFull(bootId)) return true;
    return false;
  }

  /** The number up to which all copies that answers wait for have acknowledged the effects. */
  get acknowledged(): number {
    let least = this.#data.tail.end.number;
    for (const { isRequired, acknowledged } of this.#followers.values())
      if (isRequired && acknowledged < least) least = acknowledged;
    return least;
  }

  /** The number up to which no copy needs the effects of the tail. */
  get trimUpTo(): number {
    let least = this.#data.tail.end.number;
    for (const { receives, acknowledged } of this.#followers.values())
      if (receives && acknowledged < least) least = acknowledged;
    return least;
  }

  close(): void {
    for (const follower of this.#followers.values()) follower.close();
  }
}
