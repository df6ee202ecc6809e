import { proxyScript, storageNodeScript } from '@kvs-tools/local-cluster';
import type { Contender } from './contender.js';
import { etcd, hasEtcd } from './etcd.js';
import { hasOption, kvsCluster } from './kvs.js';
import { nodeServer } from './node-server.js';

/** What raw would be with the usual libraries. */
const SERVERS: readonly Contender[] = [
  nodeServer('Express, no proxy', 'express-server'),
  nodeServer('Nest on Express, class-validator, no proxy', 'nest-server'),
];

/** kvs without one of the things that make it fast, and with a proxy for each core. */
const VARIANTS: readonly {
  readonly option: string;
  readonly nodes: readonly string[];
  readonly proxy: readonly string[];
}[] = [
  { option: '--no-fast-lane', nodes: ['--no-fast-lane'], proxy: ['--no-fast-lane'] },
  { option: '--node-protocol', nodes: [], proxy: ['--node-protocol', 'http'] },
  { option: '--workers', nodes: [], proxy: ['--workers', 'auto'] },
];

export interface Peers {
  readonly contenders: readonly Contender[];
  /** Why some are not among them, a sentence each. */
  readonly leftOut: readonly string[];
}

/**
 * Variants of kvs, and other servers, as far as they are there. Redis behind webdis is not among them: after a client has
 * cut its connection, as a load generator does at the end, webdis 0.1.9 gives answers to the wrong requests.
 */
export async function findPeers(): Promise<Peers> {
  const contenders: Contender[] = [];
  const leftOut: string[] = [];
  for (const { option, nodes, proxy } of VARIANTS) {
    const script = nodes.length > 0 ? storageNodeScript : proxyScript;
    const isThere = await hasOption(script, option);
    if (isThere)
      contenders.push(kvsCluster({ name: `kvs, ${proxy.join(' ')}`, nodeArgs: nodes, proxyArgs: proxy }));
    else leftOut.push(`No kvs with ${option}: its --help does not list the option.`);
  }
  contenders.push(...SERVERS);
  if (hasEtcd()) contenders.push(etcd);
  else leftOut.push('No etcd: it is not on the PATH.');
  return { contenders, leftOut };
}
