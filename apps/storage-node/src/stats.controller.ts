import { KvStore } from '@kvs/kv-store';
import type { NodeStats } from '@kvs/node-link';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { statsOf } from './store-operations.js';

/** The statistics that a proxy shows in `GET /cluster`. */
@ApiTags('cluster')
@Controller('stats')
export class StatsController {
  readonly #store: KvStore;

  constructor(@Inject(KvStore) store: KvStore) {
    this.#store = store;
  }

  @Get()
  @ApiOperation({ summary: 'The engine and how many pairs it holds' })
  stats(): Promise<NodeStats> {
    return statsOf(this.#store);
  }
}
