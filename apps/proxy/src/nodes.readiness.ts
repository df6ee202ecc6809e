import type { Readiness } from '@kvs/http-api';
import { Router } from '@kvs/router';
import { Inject, Injectable } from '@nestjs/common';
import { ClusterMember } from './cluster/cluster-member.js';
import { LoopedNodes } from './looped-nodes.js';

/**
 * A proxy is ready while it can reach one node, because requests for the other nodes fail by themselves. A node that hangs does
 * not delay the answer; otherwise every proxy of the cluster would count as not ready. If a node of the fixed list is a proxy, the
 * proxy is not ready, because the configuration is wrong. In a topology, a proxy may have got the address of a node that is gone.
 */
@Injectable()
export class NodesReadiness implements Readiness {
  readonly #router: Pick<Router, 'isReachable'>;
  readonly #loops: Pick<LoopedNodes, 'describe'> | undefined;

  constructor(
    @Inject(Router) router: Pick<Router, 'isReachable'>,
    @Inject(LoopedNodes) loops: Pick<LoopedNodes, 'describe'>,
    /** Undefined with a fixed list of nodes. */
    @Inject(ClusterMember) member: object | undefined,
  ) {
    this.#router = router;
    this.#loops = member === undefined ? loops : undefined;
  }

  async check(): Promise<string | undefined> {
    const isReachable = await this.#router.isReachable();
    return (
      this.#loops?.describe() ??
      (isReachable ? undefined : 'no storage node that serves partitions can be reached')
    );
  }
}
