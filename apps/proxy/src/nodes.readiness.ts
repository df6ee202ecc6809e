import type { Readiness } from '@kvs/http-api';
import { Router } from '@kvs/router';
import { Inject, Injectable } from '@nestjs/common';

/**
 * A proxy is of use as long as one node can be reached: requests for the others fail by themselves. One node that
 * hangs must not hold up the answer, or every proxy of the cluster would count as not ready.
 */
@Injectable()
export class NodesReadiness implements Readiness {
  constructor(@Inject(Router) private readonly router: Router) {}

  async check(): Promise<string | undefined> {
    return (await this.router.isReachable()) ? undefined : 'no storage node can be reached';
  }
}
