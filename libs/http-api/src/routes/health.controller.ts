import { Controller, Get, Inject } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { KvsError } from '@kvs/protocol';
import type { HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { READINESS, type Readiness } from '../tokens.js';

/** For load balancers and supervisors. Admission refuses `ready` while the server is shutting down. */
@Controller('health')
export class HealthController {
  readonly #modules: LazyModuleLoader;
  readonly #readiness: Readiness;
  #terminus: Promise<Terminus> | undefined;

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

  /** Returns the answer for parts that work. Terminus is loaded for the first one. */
  async #check(parts: readonly string[]): Promise<HealthCheckResult> {
    this.#terminus ??= loadTerminus(this.#modules);
    const { health, indicators } = await this.#terminus;
    return health.check(parts.map((part) => () => indicators.check(part).up()));
  }
}

interface Terminus {
  readonly health: HealthCheckService;
  readonly indicators: HealthIndicatorService;
}

/** Every call adds a module to the application. */
async function loadTerminus(modules: LazyModuleLoader): Promise<Terminus> {
  const { HealthCheckService, HealthIndicatorService, TerminusModule } = await import('@nestjs/terminus');
  const terminus = await modules.load(() => TerminusModule.forRoot({ logger: false }));
  return { health: terminus.get(HealthCheckService), indicators: terminus.get(HealthIndicatorService) };
}
