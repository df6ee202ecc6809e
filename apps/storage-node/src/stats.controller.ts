import { KvStore } from '@kvs/kv-store';
import type { NodeStats } from '@kvs/node-link';
import { Controller, Get, Inject } from '@nestjs/common';
import { statsOf } from './store-operations.js';

/** The statistics that a proxy shows in `GET /cluster`. */
@Controller('stats')
export class StatsController {
  readonly #store: KvStore;

  constructor(@Inject(KvStore) store: KvStore) {
    this.#store = store;
  }

  @Get()
  stats(): Promise<NodeStats> {
    return statsOf(this.#store);
  }
}
