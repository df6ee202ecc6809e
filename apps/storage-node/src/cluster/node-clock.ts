import { systemClock, type Clock, type ClusterClock } from '@kvs/kv-store';

/** The clock of a node: that of the system, or that of its cluster from the moment at which the node is to join. */
export class NodeClock implements Clock {
  #clock: Clock = systemClock;

  /** Follows the time of a cluster from now on. */
  follow(clock: ClusterClock): void {
    this.#clock = clock;
  }

  nowMicros(): number {
    return this.#clock.nowMicros();
  }
}
