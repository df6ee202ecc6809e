import { Router, type ClusterView } from '@kvs/router';
import { Controller, Get, Inject, Optional } from '@nestjs/common';
import type { ClusterStatus } from '@kvs/topology';
import { ClusterMember } from './cluster/cluster-member.js';

/** The state of all nodes, also without a topology. So it is no part of the proxy's membership in a cluster. */
@Controller('cluster')
export class ClusterController {
  readonly #router: Router;
  readonly #member: ClusterMember | undefined;

  constructor(@Inject(Router) router: Router, @Optional() @Inject(ClusterMember) member?: ClusterMember) {
    this.#router = router;
    this.#member = member;
  }

  @Get()
  async view(): Promise<ClusterView & { readonly topology?: ClusterStatus }> {
    const view = await this.#router.cluster();
    return this.#member?.table.topology === undefined
      ? view
      : { ...view, topology: this.#member.control.status() };
  }
}
