import { KvStore } from '@kvs/kv-store';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';

/** What a proxy shows of this node in `GET /cluster`. */
@ApiTags('cluster')
@Controller('stats')
export class StatsController {
  readonly #store: KvStore;

  constructor(@Inject(KvStore) store: KvStore) {
    this.#store = store;
  }

  @Get()
  @ApiOperation({ summary: 'The engine and how many pairs it holds' })
  async stats(): Promise<{ engine: string; keys: number }> {
    const { pairCount } = await this.#store.stats();
    return { engine: this.#store.engineName, keys: pairCount };
  }
}
