import { SLOT_COUNT } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { RedisProcess } from '../src/testing/redis-process.js';

/** A Redis Cluster for one test: three masters with a replica each. It fails over when a test requires it. */
export class RedisCluster {
  private constructor(readonly servers: readonly RedisProcess[]) {}

  static async start(): Promise<RedisCluster> {
    const servers: RedisProcess[] = [];
    try {
      while (servers.length < 2 * MASTERS) servers.push(await startServer());
      const cluster = new RedisCluster(servers);
      await cluster.#form();
      return cluster;
    } catch (error) {
      await Promise.all(servers.map((server) => server.stop()));
      throw error;
    }
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  get masters(): readonly RedisProcess[] {
    return this.servers.slice(0, MASTERS);
  }

  /** Promotes the replica of this master, whether the master is there or not. */
  async failOver(master: number): Promise<void> {
    await this.servers[MASTERS + master]?.admin.cluster('FAILOVER', 'TAKEOVER');
  }

  async flush(): Promise<void> {
    for (const { admin } of this.masters) await admin.flushall();
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async #form(): Promise<void> {
    const [first, ...others] = this.servers;
    if (first === undefined) return;
    for (const { port } of others) await first.admin.cluster('MEET', '127.0.0.1', port);
    for (const [index, { admin }] of this.masters.entries()) {
      const start = Math.floor((index * SLOT_COUNT) / MASTERS);
      const end = Math.floor(((index + 1) * SLOT_COUNT) / MASTERS) - 1;
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', start, end);
    }
    await until(() => this.#all(/cluster_known_nodes:6\b/));
    for (const [index, { admin }] of this.servers.slice(MASTERS).entries()) {
      const id = await this.servers[index]?.admin.cluster('MYID');
      await until(() =>
        admin.call('CLUSTER', 'REPLICATE', `${id}`).then(
          () => true,
          () => false,
        ),
      );
    }
    await until(() => this.#all(/cluster_state:ok/));
    await until(async () => {
      const infos = await Promise.all(
        this.servers.slice(MASTERS).map(({ admin }) => admin.info('replication')),
      );
      return infos.every((info) => info.includes('master_link_status:up'));
    });
  }

  async #all(pattern: RegExp): Promise<boolean> {
    const infos = await Promise.all(this.servers.map(({ admin }) => admin.cluster('INFO')));
    return infos.every((info) => pattern.test(info));
  }
}

const MASTERS = 3;

function startServer(): Promise<RedisProcess> {
  return RedisProcess.start({
    settings: [
      ...['--cluster-enabled', 'yes'],
      // With a shorter time, on a busy machine, replicas would take over from masters that are only slow.
      ...['--cluster-node-timeout', '60000'],
      ...['--repl-diskless-sync-delay', '0'],
    ],
  });
}
