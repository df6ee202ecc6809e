import type { Readiness } from '@kvs/http-api';
import { Router } from '@kvs/router';
import { Inject, Injectable } from '@nestjs/common';
import { LoopedNodes } from './looped-nodes.js';

/**
 * A proxy is ready while it can reach one node, because requests for the other nodes fail by themselves. A node that hangs does
 * not delay the answer; otherwise every proxy of the cluster would count as not ready. If a node is a proxy, the proxy is not
 * ready, because the configuration is wrong.
 */
@Injectable()
export class NodesReadiness implements Readiness {
  readonly #router: Router;
  readonly #loops: LoopedNodes;

  constructor(@Inject(Router) router: Router, @Inject(LoopedNodes) loops: LoopedNodes) {
    this.#router = router;
    this.#loops = loops;
  }

  async check(): Promise<string | undefined> {
    const isReachable = await this.#router.isReachable();
    return (
      this.#loops.describe() ??
      (isReachable ? undefined : 'no storage node that serves partitions can be reached')
    );
  }
}
