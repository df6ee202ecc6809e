import { ClusterClock, systemClock, type Clock } from '@kvs/kv-store';

/** The clock of a node, by which its engine expires pairs: that of the system, or that of its cluster. */
export class NodeClock implements Clock {
  readonly cluster = new ClusterClock();
  #isOfCluster: boolean;

  /**
   * @param isOfCluster whether the node is started for a cluster. Its pairs may be those of the cluster, so none expires until the
   * node is told the time of the cluster.
   */
  constructor(isOfCluster: boolean) {
    this.#isOfCluster = isOfCluster;
  }

  /** Follows the time of the cluster from now on. */
  followCluster(): void {
    this.#isOfCluster = true;
  }

  nowMicros(): number {
    return this.#isOfCluster ? this.cluster.nowMicros() : systemClock.nowMicros();
  }
}
