import { startNode, type LocalServer } from '@kvs-tools/local-cluster';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import KeyvRedis from '@keyv/redis';
import { CACHE_MANAGER, CacheInterceptor, CacheModule, type Cache } from '@nestjs/cache-manager';
import { Controller, Get, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createCache } from 'cache-manager';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { Keyv } from 'keyv';
import { createClient } from 'redis';
import { createStorage } from 'unstorage';
import redisDriver from 'unstorage/drivers/redis';

let node: LocalServer;
let url: string;
beforeAll(async () => {
  node = await startNode(['--redis-port', 'auto']);
  url = `redis://localhost:${await node.redisPort()}`;
});
afterAll(() => node.kill());

it('Keyv with @keyv/redis keeps values, with a time to live and by namespace', async () => {
  const [one, other] = ['one', 'other'].map((namespace) => new Keyv(new KeyvRedis(url), { namespace }));
  try {
    expect(await one?.set('key', { a: [1, 'x'] }, 60_000)).toBe(true);
    expect(await one?.get('key')).toEqual({ a: [1, 'x'] });
    expect(await other?.get('key')).toBeUndefined();
    await one?.setMany([
      { key: 'b', value: 1 },
      { key: 'c', value: 2, ttl: 60_000 },
    ]);
    expect(await one?.getMany(['b', 'absent', 'c'])).toEqual([1, undefined, 2]);
    expect([await one?.has('b'), await one?.delete('b'), await one?.has('b')]).toEqual([true, true, false]);
    await other?.set('stays', 1);
    await one?.clear();
    expect([await one?.get('key'), await other?.get('stays')]).toEqual([undefined, 1]);
  } finally {
    await Promise.all([one?.disconnect(), other?.disconnect()]);
  }
});

it('cache-manager wraps a function, and asks it once', async () => {
  const cache = createCache({ stores: [new Keyv(new KeyvRedis(url), { namespace: 'cm' })] });
  try {
    let calls = 0;
    const load = () => cache.wrap('answer', () => Promise.resolve({ calls: ++calls }), 60_000);
    expect([await load(), await load()]).toEqual([{ calls: 1 }, { calls: 1 }]);
    await cache.mset([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    expect(await cache.mget(['a', 'b', 'absent'])).toEqual([1, 2, undefined]);
    expect(await cache.ttl('answer')).toBeGreaterThan(Date.now());
    await cache.del('answer');
    expect(await load()).toEqual({ calls: 2 });
    await cache.clear();
    expect(await cache.get('a')).toBeUndefined();
  } finally {
    await cache.disconnect();
  }
});

it('the cache of Nest answers a second request from kvs', async () => {
  let calls = 0;
  @Controller()
  @UseInterceptors(CacheInterceptor)
  class CountController {
    @Get('count')
    count(): { calls: number } {
      return { calls: ++calls };
    }
  }
  const stores = [new Keyv(new KeyvRedis(url), { namespace: 'nest' })];
  @Module({ imports: [CacheModule.register({ stores, ttl: 60_000 })], controllers: [CountController] })
  class TestModule {}
  const app = await NestFactory.create(TestModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  try {
    const ask = async (): Promise<unknown> => (await fetch(`${await app.getUrl()}/count`)).json();
    expect([await ask(), await ask()]).toEqual([{ calls: 1 }, { calls: 1 }]);
    const cache = app.get<Cache>(CACHE_MANAGER);
    await cache.del('/count');
    expect(await ask()).toEqual({ calls: 2 });
  } finally {
    await app.close();
    await Promise.all(stores.map((store) => store.disconnect()));
  }
});

it('connect-redis keeps sessions', async () => {
  const client = await createClient({ url }).connect();
  const store = new RedisStore({ client, prefix: 'session:', ttl: 60 });
  const app = express().use(session({ store, secret: 's', resave: false, saveUninitialized: false }));
  app.get('/', ({ session: own }, response) => {
    const visits = (Number(Reflect.get(own, 'visits')) || 0) + 1;
    Reflect.set(own, 'visits', visits);
    response.json(visits);
  });
  const server = await new Promise<Server>((resolve) => {
    const listening: Server = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  try {
    const { port } = server.address() as AddressInfo;
    const visit = async (cookie = '') => {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie } });
      return { visits: await answer.json(), cookie: answer.headers.get('set-cookie') ?? cookie };
    };
    const { visits, cookie } = await visit();
    expect([visits, (await visit(cookie)).visits, (await visit()).visits]).toEqual([1, 2, 1]);
    expect([await store.length(), (await store.ids()).length, (await store.all()).length]).toEqual([2, 2, 2]);
    await store.clear();
    expect([await store.length(), (await visit(cookie)).visits]).toEqual([0, 1]);
  } finally {
    server.closeAllConnections();
    server.close();
    client.destroy();
  }
});

it("unstorage's redis driver stores items", async () => {
  const storage = createStorage({ driver: redisDriver({ url, base: 'storage', ttl: 60 }) });
  try {
    await storage.setItem('users:1', { name: 'Ada' });
    await storage.setItemRaw('files:a', Buffer.from([0, 255]));
    expect(await storage.getItem('users:1')).toEqual({ name: 'Ada' });
    expect((await storage.getKeys()).sort()).toEqual(['files:a', 'users:1']);
    expect([await storage.hasItem('users:1'), await storage.hasItem('users:2')]).toEqual([true, false]);
    await storage.removeItem('users:1');
    expect(await storage.getItem('users:1')).toBeNull();
    await storage.clear();
    expect(await storage.getKeys()).toEqual([]);
  } finally {
    await storage.dispose();
  }
});
