import type { Readiness } from '@kvs/http-api';
import { Router } from '@kvs/router';
import { Inject, Injectable } from '@nestjs/common';

/** A proxy is of use as long as one node can be reached: requests for the others fail by themselves. */
@Injectable()
export class NodesReadiness implements Readiness {
  constructor(@Inject(Router) private readonly router: Router) {}

  async check(): Promise<string | undefined> {
    const { nodes } = await this.router.cluster();
    return nodes.some(({ state }) => state === 'up') ? undefined : 'no storage node can be reached';
  }
}
