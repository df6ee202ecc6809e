import { Controller, Get, Inject } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { KvsError } from '@kvs/protocol';
import type { HealthCheckResult } from '@nestjs/terminus';
import { READINESS, type Readiness } from '../tokens.js';

/** For load balancers and supervisors. Admission refuses `ready` while the server is shutting down. */
@Controller('health')
export class HealthController {
  readonly #modules: LazyModuleLoader;
  readonly #readiness: Readiness;

  constructor(@Inject(LazyModuleLoader) modules: LazyModuleLoader, @Inject(READINESS) readiness: Readiness) {
    this.#modules = modules;
    this.#readiness = readiness;
  }

  @Get('live')
  live(): Promise<HealthCheckResult> {
    return this.#check([]);
  }

  @Get('ready')
  async ready(): Promise<HealthCheckResult> {
    const obstacle = await this.#readiness.check();
    if (obstacle !== undefined) throw new KvsError('not_ready', obstacle);
    return this.#check(['operations']);
  }

  /** Returns the answer for parts that work. Terminus is loaded for the first request of it. */
  async #check(parts: readonly string[]): Promise<HealthCheckResult> {
    const { HealthCheckService, HealthIndicatorService, TerminusModule } = await import('@nestjs/terminus');
    const terminus = await this.#modules.load(() => TerminusModule.forRoot({ logger: false }));
    const indicators = terminus.get(HealthIndicatorService);
    return terminus.get(HealthCheckService).check(parts.map((part) => () => indicators.check(part).up()));
  }
}
