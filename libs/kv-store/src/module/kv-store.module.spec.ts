import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { stringKey, stringValue } from '@kvs/protocol';
import type { EngineFactory } from '../engine/storage-engine.js';
import { MemoryEngine } from '../engine/memory/memory-engine.js';
import { KvStore } from '../store/kv-store.js';
import { ManualClock, promisedEngine } from '../testing/index.js';
import { KvStoreModule, type KvStoreOptions } from './kv-store.module.js';

const ITEM = { key: stringKey('key'), value: stringValue('value') };

describe('KvStoreModule.forRoot', () => {
  it('gives one memory store to every module', async () => {
    const app = await start(KvStoreModule.forRoot());
    const users = app.get(Users, { strict: false });
    const orders = app.get(Orders, { strict: false });
    expect(users.store).toBeInstanceOf(KvStore);
    expect(users.store).toBe(orders.store);
    expect(users.store).toBe(app.get(KvStore));
    expect(users.store.engineName).toBe('memory');
    users.store.set([ITEM]);
    expect(orders.store.query([ITEM.key])).toEqual([{ ok: true, present: true }]);
    await app.close();
  });

  it('gives engine and store the clock that it was given', async () => {
    const clock = new ManualClock();
    const app = await start(KvStoreModule.forRoot({ engine: (options) => new MemoryEngine(options), clock }));
    expect(app.get(KvStore).set([{ ...ITEM, ttlMs: 5 }])).toMatchObject([{ version: clock.nowMicros() }]);
    clock.advanceMs(5);
    expect(app.get(KvStore).query([ITEM.key])).toEqual([{ ok: true, present: false }]);
    await app.close();
  });

  it('reads the system clock unless told otherwise', async () => {
    const app = await start(KvStoreModule.forRoot({ engine: 'memory' }));
    const before = Date.now() * 1000;
    const [outcome] = await app.get(KvStore).set([ITEM]);
    expect(outcome).toEqual({ ok: true, version: expect.any(Number), created: true });
    expect(outcome?.ok && outcome.version).toBeGreaterThanOrEqual(before);
    await app.close();
  });

  it('waits for an engine that opens later', async () => {
    const app = await start(
      KvStoreModule.forRoot({ engine: async ({ clock }) => promisedEngine(new MemoryEngine({ clock })) }),
    );
    expect(await app.get(KvStore).query([ITEM.key])).toEqual([{ ok: true, present: false }]);
    await app.close();
  });

  it('fails the start of the app when the engine cannot be opened', async () => {
    const engine: EngineFactory = () => Promise.reject(new Error('the disk is missing'));
    await expect(start(KvStoreModule.forRoot({ engine }))).rejects.toThrow('the disk is missing');
  });

  it('refuses an engine that it does not know', async () => {
    const options: KvStoreOptions = JSON.parse('{ "engine": "memroy" }');
    await expect(start(KvStoreModule.forRoot(options))).rejects.toThrow(TypeError);
  });

  it('closes the engine when the app closes', async () => {
    const engine = new MemoryEngine({ clock: new ManualClock() });
    const app = await start(KvStoreModule.forRoot({ engine: () => engine }));
    const store = app.get(KvStore);
    await app.close();
    expect(() => engine.stats()).toThrow(expect.objectContaining({ code: 'engine_unavailable' }));
    expect(() => store.stats()).toThrow(expect.objectContaining({ code: 'shutting_down' }));
  });
});

describe('KvStoreModule.forRootAsync', () => {
  it('reads its options from other modules', async () => {
    const clock = new ManualClock();
    const app = await start(
      KvStoreModule.forRootAsync({
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async (settings: Settings) => ({ engine: settings.engine, clock }),
      }),
    );
    expect(app.get(KvStore).set([ITEM])).toMatchObject([{ version: clock.nowMicros() }]);
    await app.close();
  });
});

@Injectable()
class Settings {
  readonly engine = 'memory';
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class Users {
  constructor(@Inject(KvStore) readonly store: KvStore) {}
}

@Injectable()
class Orders {
  constructor(@Inject(KvStore) readonly store: KvStore) {}
}

@Module({ providers: [Users] })
class UsersModule {}

@Module({ providers: [Orders] })
class OrdersModule {}

async function start(store: ReturnType<typeof KvStoreModule.forRoot>) {
  const app = await Test.createTestingModule({ imports: [store, UsersModule, OrdersModule] }).compile();
  return app.init();
}
