import 'reflect-metadata';
import { Body, Controller, HttpCode, Module, ParseArrayPipe, Post, Put } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { KeyDto, SetItemDto } from '@kvs/protocol/nest';
import { announce, BareStore } from './bare-store.js';

/** As raw-server, as one writes it with Nest on Express: each body is checked by class-validator with the DTO of kvs. */

const rules = { whitelist: true, forbidNonWhitelisted: true };

@Controller()
class StoreController {
  readonly #store = new BareStore();

  @Put('set')
  set(@Body(new ParseArrayPipe({ ...rules, items: SetItemDto })) items: SetItemDto[]): unknown {
    return this.#store.set(items);
  }

  @Post('fetch')
  @HttpCode(200)
  fetch(@Body(new ParseArrayPipe({ ...rules, items: KeyDto })) keys: KeyDto[]): unknown {
    return this.#store.fetch(keys);
  }

  @Post('query')
  @HttpCode(200)
  query(@Body(new ParseArrayPipe({ ...rules, items: KeyDto })) keys: KeyDto[]): unknown {
    return this.#store.query(keys);
  }
}

@Module({ controllers: [StoreController] })
class StoreModule {}

const app = await NestFactory.create<NestExpressApplication>(StoreModule, { logger: false });
app.useBodyParser('json', { limit: '32mb' });
await app.listen(0, 'localhost');
announce(app.getHttpServer());
