import { freePorts } from '@kvs-tools/local-cluster';
import type { Pair } from '../pairs.js';
import { CommandServer, isInstalled } from './command-server.js';
import type { Contender } from './contender.js';
import { onePair, type Dialect } from './dialect.js';

export function hasEtcd(): boolean {
  return isInstalled('etcd');
}

/** A single etcd, asked by its JSON gateway. It writes to disk, so its writes are of another kind. */
export const etcd: Contender = {
  name: 'etcd, JSON gateway',
  start: async () => {
    const port = await freePorts(2);
    const client = `http://127.0.0.1:${port}`;
    const peer = `http://127.0.0.1:${port + 1}`;
    const server = await CommandServer.start('etcd', (directory) => [
      ...['--data-dir', directory, '--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `default=${peer}`],
    ]);
    try {
      await server.command.until(/serving (insecure )?client requests|serving client traffic/);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return {
      name: etcd.name,
      origin: client,
      dialect: etcdDialect,
      processes: [{ role: 'server', pid: server.pid }],
      stop: () => server.stop(),
    };
  },
};

const etcdDialect: Dialect = {
  mostPairs: 1,
  request: (operation, pairs: readonly Pair[]) => {
    const pair = onePair(pairs);
    const key = base64(pair.key);
    const value = base64(pair.value);
    const post = (path: string, body: object, isRight: (answer: string) => boolean) =>
      ({ method: 'POST', path, body: JSON.stringify(body), isRight }) as const;
    switch (operation) {
      case 'set':
        return post('/v3/kv/put', { key, value }, (answer) => /"revision":"\d+"/.test(answer));
      case 'query':
        return post('/v3/kv/range', { key, count_only: true }, (answer) => answer.includes('"count":"1"'));
      case 'fetch':
        return post('/v3/kv/range', { key }, (answer) => answer.includes(`"value":"${value}"`));
    }
  },
};

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}
