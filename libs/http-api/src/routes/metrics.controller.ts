import type { ServerResponse } from 'node:http';
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { EXPOSITION_TYPE, ServerMetrics } from '@kvs/server';

/** For Prometheus and what speaks its format. */
@ApiTags('metrics')
@Controller('metrics')
export class MetricsController {
  readonly #metrics: ServerMetrics;

  constructor(@Inject(ServerMetrics) metrics: ServerMetrics) {
    this.#metrics = metrics;
  }

  @Get()
  @ApiOperation({ summary: 'What the server has done and holds, in the text format of Prometheus' })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'The metrics of now', schema: { type: 'string' } })
  async show(@Res() response: ServerResponse): Promise<void> {
    const page = Buffer.from(await this.#metrics.page());
    response.setHeader('content-type', EXPOSITION_TYPE);
    response.setHeader('content-length', page.length);
    response.end(page);
  }
}
