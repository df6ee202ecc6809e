import { Router, type ClusterView } from '@kvs/router';
import { Controller, Get, Inject, Optional } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ClusterStatus } from '@kvs/topology';
import { ClusterMember } from './cluster/cluster-member.js';

@ApiTags('cluster')
@Controller('cluster')
export class ClusterController {
  readonly #router: Router;
  readonly #member: ClusterMember | undefined;

  constructor(@Inject(Router) router: Router, @Optional() @Inject(ClusterMember) member?: ClusterMember) {
    this.#router = router;
    this.#member = member;
  }

  @Get()
  @ApiOperation({ summary: 'The nodes, whether they can be reached, and how much each holds' })
  async view(): Promise<ClusterView & { readonly topology?: ClusterStatus }> {
    const view = await this.#router.cluster();
    return this.#member?.routes.topology === undefined
      ? view
      : { ...view, topology: this.#member.control.status() };
  }
}
