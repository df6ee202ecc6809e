import { Router, type ClusterView } from '@kvs/router';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';

@ApiTags('cluster')
@Controller('cluster')
export class ClusterController {
  readonly #router: Router;

  constructor(@Inject(Router) router: Router) {
    this.#router = router;
  }

  @Get()
  @ApiOperation({ summary: 'The nodes, whether they can be reached, and how much each holds' })
  view(): Promise<ClusterView> {
    return this.#router.cluster();
  }
}
