import { systemClock } from '@kvs/kv-store';
import { until } from '@kvs/protocol/testing';
import { answers, placed, read, scanIds, write } from '../test/pairs.js';
import { RedisCluster } from '../test/redis-cluster.js';
import type { RedisProcess } from './testing/redis-process.js';
import { describeWithRedis } from './testing/describe-with-tools.js';
import { partitionKeys } from './data/partition-keys.js';
import { RedisEngine } from './redis-engine.js';

const WRITERS = 8;
const BATCH = 16;

describeWithRedis('a Redis Cluster', () => {
  let cluster: RedisCluster;
  let engine: RedisEngine;
  beforeEach(async () => {
    cluster = await RedisCluster.start();
  });
  /** @param timeoutMs long where no operation may fail, because a busy machine is slow to settle a move */
  async function connect(timeoutMs: number): Promise<void> {
    const [url = ''] = cluster.urls;
    engine = new RedisEngine({ urls: [url], waitReplicas: 1, timeoutMs, clock: systemClock });
    await until(() => answers(engine));
  }
  afterEach(async () => {
    await engine.close();
    await cluster.stop();
  });

  it('loses nothing that was acknowledged when a master is killed under load', async () => {
    await connect(2000);
    const load = new Load(engine);
    const writing = load.run();
    await until(() => load.acknowledged.size > 1000);
    // The one whose address the engine was given: it must find the others by itself.
    await cluster.servers[0]?.kill();
    await until(() => load.failures > 0);
    await cluster.failOver(0);
    load.stop();
    await writing;
    expect(await load.lost()).toEqual([]);
    const scanned = new Set(await scanIds(engine));
    expect([...load.acknowledged.keys()].filter((key) => !scanned.has(`s${key}`))).toEqual([]);

    // The new master has no replica to wait for until the old one is back.
    await cluster.servers[0]?.run();
    await until(() => load.isWellNow());
    expect(await load.lost()).toEqual([]);
  });

  it('a partition is found where it was moved to', async () => {
    await connect(20_000);
    await engine.setMany([write('moving', '1'), write('staying', '1')]);
    const { slot, pairs } = partitionKeys('kvs')(placed('moving').partition);
    const [from, to] = await ends(cluster.masters, pairs);
    const settle = await move(slot, from, to);
    // The slot is not the other's yet, but the key is there: only a redirection that is asked for finds it.
    expect(await read(engine, 'moving')).toBe('1');
    await settle();
    expect(await read(engine, 'moving')).toBe('1');
    const outcomes = await engine.setMany([write('moving', '2'), write('staying', '2')]);
    expect(outcomes).toMatchObject([{ status: 'written' }, { status: 'written' }]);
    expect(await read(engine, 'moving')).toBe('2');
    expect(await to.admin.exists(pairs)).toBe(1);
  });
});

/** Writers that never repeat a key, and what was acknowledged to them. */
class Load {
  readonly acknowledged = new Map<string, number>();
  failures = 0;
  #isStopped = false;

  readonly #engine: RedisEngine;

  constructor(engine: RedisEngine) {
    this.#engine = engine;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => this.#write(writer)));
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Whether writes to every part are acknowledged again. */
  async isWellNow(): Promise<boolean> {
    const keys = Array.from({ length: 4 * BATCH }, (_, index) => `after-${index}`);
    const outcomes = await this.#engine.setMany(keys.map((key) => write(key))).catch(() => []);
    return outcomes.length > 0 && outcomes.every(({ status }) => status === 'written');
  }

  /** Returns the acknowledged keys that can't be read, once every key can be asked for. */
  async lost(): Promise<string[]> {
    const keys = [...this.acknowledged.keys()];
    let lost = keys;
    await until(async () => {
      const outcomes = await this.#engine.getMany(keys.map(placed)).catch(() => []);
      lost = keys.filter((key, index) => {
        const outcome = outcomes[index];
        return outcome?.status !== 'found' || outcome.version !== this.acknowledged.get(key);
      });
      return outcomes.length > 0 && outcomes.every(({ status }) => status !== 'unavailable');
    });
    return lost;
  }

  async #write(writer: number): Promise<void> {
    for (let batch = 0; !this.#isStopped; batch++) {
      const keys = Array.from({ length: BATCH }, (_, index) => `${writer}-${batch}-${index}`);
      const outcomes = await this.#engine.setMany(keys.map((key) => write(key, key))).catch(() => []);
      let written = 0;
      for (const [index, key] of keys.entries()) {
        const outcome = outcomes[index];
        if (outcome?.status !== 'written') continue;
        this.acknowledged.set(key, outcome.version);
        written += 1;
      }
      if (written < BATCH) this.failures += 1;
    }
  }
}

/** The master that has a key, and another. */
async function ends(masters: readonly RedisProcess[], key: string): Promise<[RedisProcess, RedisProcess]> {
  const has = await Promise.all(masters.map(({ admin }) => admin.exists(key).catch(() => 0)));
  const from = masters[has.indexOf(1)];
  const to = masters[has.indexOf(0)];
  if (from === undefined || to === undefined) throw new Error(`no master has ${key}`);
  return [from, to];
}

/** Moves a slot as redis-cli does, up to its last step, which is returned. */
async function move(slot: number, from: RedisProcess, to: RedisProcess): Promise<() => Promise<void>> {
  const [source, target] = await Promise.all([from.admin.cluster('MYID'), to.admin.cluster('MYID')]);
  await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', `${source}`);
  await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', `${target}`);
  const keys = await from.admin.cluster('GETKEYSINSLOT', slot, 100);
  await from.admin.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys.map(String));
  return async () => {
    for (const { admin } of [to, from]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', `${target}`);
  };
}
