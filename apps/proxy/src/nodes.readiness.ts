import type { Readiness } from '@kvs/http-api';
import { Router } from '@kvs/router';
import { Inject, Injectable } from '@nestjs/common';
import { LoopedNodes } from './looped-nodes.js';

/**
 * A proxy is of use as long as one node can be reached: requests for the others fail by themselves. One node that
 * hangs must not hold up the answer, or every proxy of the cluster would count as not ready. A node that is a proxy is
 * another matter: the configuration is wrong, and stays so.
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
    return this.#loops.describe() ?? (isReachable ? undefined : 'no storage node can be reached');
  }
}
