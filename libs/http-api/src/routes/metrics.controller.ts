import type { ServerResponse } from 'node:http';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { EXPOSITION_TYPE, ServerMetrics } from '@kvs/server';

/** For Prometheus and what speaks its format. */
@Controller('metrics')
export class MetricsController {
  readonly #metrics: ServerMetrics;

  constructor(@Inject(ServerMetrics) metrics: ServerMetrics) {
    this.#metrics = metrics;
  }

  @Get()
  async show(@Res() response: ServerResponse): Promise<void> {
    const page = Buffer.from(await this.#metrics.page());
    response.setHeader('content-type', EXPOSITION_TYPE);
    response.setHeader('content-length', page.length);
    response.end(page);
  }
}
