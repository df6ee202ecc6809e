import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { KvsError } from '@kvs/protocol';
import { ApiProblem } from '@kvs/protocol/nest';
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult } from '@nestjs/terminus';
import { READINESS, type Readiness } from '../tokens.js';

/** For load balancers and supervisors. Admission refuses `ready` while the server is shutting down. */
@ApiTags('health')
@Controller('health')
export class HealthController {
  readonly #health: HealthCheckService;
  readonly #indicators: HealthIndicatorService;
  readonly #readiness: Readiness;

  constructor(
    @Inject(HealthCheckService) health: HealthCheckService,
    @Inject(HealthIndicatorService) indicators: HealthIndicatorService,
    @Inject(READINESS) readiness: Readiness,
  ) {
    this.#health = health;
    this.#indicators = indicators;
    this.#readiness = readiness;
  }

  @Get('live')
  @ApiOperation({ summary: 'Whether the process runs' })
  live(): Promise<HealthCheckResult> {
    return this.#health.check([]);
  }

  @Get('ready')
  @ApiOperation({ summary: 'Whether requests can be served' })
  @ApiProblem(503, 'Not now')
  async ready(): Promise<HealthCheckResult> {
    const obstacle = await this.#readiness.check();
    if (obstacle !== undefined) throw new KvsError('not_ready', obstacle);
    return this.#health.check([() => this.#indicators.check('operations').up()]);
  }
}
