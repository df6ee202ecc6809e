import { Module } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { READINESS, type Readiness } from '../tokens.js';
import { HealthController } from './health.controller.js';

const ready: Readiness = { check: () => Promise.resolve(undefined) };

@Module({ controllers: [HealthController], providers: [{ provide: READINESS, useValue: ready }] })
class HealthModule {}

it('health checks load Terminus once, however many there are', async () => {
  const app = await NestFactory.createApplicationContext(HealthModule, { logger: false });
  const health = app.get(HealthController);
  const modules = app.get(ModulesContainer);
  const [live] = await Promise.all([health.live(), health.ready()]);
  expect(live).toMatchObject({ status: 'ok' });
  const { size } = modules;
  for (let i = 0; i < 5; i++) {
    await health.live();
    expect(await health.ready()).toMatchObject({ status: 'ok', info: { operations: { status: 'up' } } });
  }
  expect(modules.size).toBe(size);
  await app.close();
});
