import {
  choice,
  describeOptions,
  InvalidArgumentError,
  isAnyAddress,
  isHttpUrl,
  milliseconds,
  optional,
  parseOrigin,
  parseWholeNumber,
  usageError,
  wholeNumber,
  words,
  type OptionDefinition,
  type Values,
} from '@kvs/server';
import { MAX_COPIES, type PlanSettings } from '@kvs/topology';
import type { EtcdOptions } from '@kvs/topology-etcd';

/** Where the topology is kept. */
export type TopologyPlace =
  | { readonly kind: 'memory' }
  | { readonly kind: 'file'; readonly path: string }
  | ({ readonly kind: 'etcd' } & Pick<EtcdOptions, 'endpoints' | 'prefix' | 'user'>);

/** How a proxy takes part in a cluster whose partitions move. */
export interface ClusterConfig extends Pick<PlanSettings, 'replaceAfterMs' | 'whenLost'> {
  readonly topology: TopologyPlace;
  readonly copies: number;
  readonly minInSync: number;
  /** How long a request waits while no node serves its partition, in milliseconds. */
  readonly failoverWaitMs: number;
  /** How many bytes of fills each node may send per second; undefined for no limit. */
  readonly transferBytesPerSecond: number | undefined;
  /** The URL of this proxy for nodes and operators; undefined for where it listens. */
  readonly advertise: string | undefined;
}

const GROUP = 'Topology';

export const CLUSTER_OPTIONS = {
  topology: optional(
    {
      group: GROUP,
      description:
        'where to keep which node has which partition: memory, file:PATH or etcd:URL; without it, nodes are a fixed list',
      value: 'place',
    },
    parsePlace,
  ),
  copies: wholeNumber({ group: GROUP, description: 'copies of each partition, for a new cluster' }, 2, {
    max: MAX_COPIES,
  }),
  minInSync: wholeNumber({ group: GROUP, description: 'copies that a write needs, for a new cluster' }, 1, {
    max: MAX_COPIES,
  }),
  replaceAfterMs: milliseconds(
    GROUP,
    'how long a node may be away before its copies are made elsewhere',
    60_000,
  ),
  whenLost: choice(
    { group: GROUP, description: 'what to do with a partition whose copies are all gone', value: 'action' },
    ['start', 'offline'],
    'start',
  ),
  transferRate: {
    group: GROUP,
    description: 'how many bytes per second each node may send to make copies; 0 for no limit',
    value: 'number',
    default: 0,
    parse: parseTransferRate,
  } as OptionDefinition<number>,
  failoverWaitMs: milliseconds(GROUP, 'how long a request waits for a partition without a node', 5000),
  advertise: optional(
    {
      group: GROUP,
      description: 'where nodes and operators reach the proxy; by default where it listens',
      value: 'url',
    },
    parseOrigin,
  ),
};

/** @throws StartError for options that contradict each other, and for those of a cluster without `--topology` */
export function clusterConfig(
  { topology, transferRate, ...options }: Values<typeof CLUSTER_OPTIONS>,
  host: string,
  workers: number,
  isGiven: (option: string) => boolean,
): ClusterConfig | undefined {
  if (topology === undefined) {
    const useless = describeOptions(CLUSTER_OPTIONS).find(({ name }) => isGiven(name));
    if (useless !== undefined)
      throw usageError(`${useless.flag} needs --topology: a fixed list is no cluster`);
    return undefined;
  }
  if (workers > 1) throw usageError('--topology needs --workers 1: one process hears the nodes and leads');
  if (options.minInSync > options.copies) throw usageError('--min-in-sync is more than --copies');
  if (options.advertise === undefined && isAnyAddress(host))
    throw usageError(`--topology needs --advertise, because nodes can't reach a proxy at ${host}`);
  return { topology, transferBytesPerSecond: transferRate === 0 ? undefined : transferRate, ...options };
}

/** At a lower rate, the controller would take fills for failed, because it sees no progress. */
function parseTransferRate(text: string): number {
  const bytes = parseWholeNumber(text, { min: 0 });
  if (bytes === 0 || bytes >= MIN_TRANSFER_RATE) return bytes;
  throw new InvalidArgumentError(`It must be 0, or at least ${MIN_TRANSFER_RATE} bytes per second.`);
}

function parsePlace(text: string): TopologyPlace {
  if (text === 'memory') return { kind: 'memory' };
  const path = /^file:(.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'file', path };
  const urls = words(/^etcd:(.+)$/.exec(text)?.[1] ?? '');
  if (urls.length > 0 && urls.every(isHttpUrl)) return etcdPlace(urls.map((url) => new URL(url)));
  throw new InvalidArgumentError(
    'It must be memory, file:PATH or etcd:URL, such as etcd:http://localhost:2379.',
  );
}

/** The path of the first URL is the prefix of the keys. It may also have a user and a password. */
function etcdPlace(urls: readonly URL[]): TopologyPlace {
  if (urls.slice(1).some((url) => url.username !== ''))
    throw new InvalidArgumentError('Only the first URL of etcd may name a user.');
  const { pathname = '', username = '', password = '' } = urls[0] ?? {};
  const prefix = pathname.replace(/^\/|\/$/g, '') || DEFAULT_PREFIX;
  const user = { name: decoded(username), password: decoded(password) };
  const endpoints = urls.map(({ origin }) => origin);
  return { kind: 'etcd', endpoints, prefix, ...(username !== '' && { user }) };
}

/** Returns the text as it is if it has a percent sign that stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const MIN_TRANSFER_RATE = 1_000_000;
const DEFAULT_PREFIX = 'kvs';
