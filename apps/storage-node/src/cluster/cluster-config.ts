import { hostOf, isLabel, isNodeId, isWeight, MAX_LABEL_LENGTH, MAX_WEIGHT, MIN_WEIGHT } from '@kvs/protocol';
import {
  InvalidArgumentError,
  isAnyAddress,
  list,
  optional,
  parseAddress,
  parseHost,
  parseOrigin,
  usageError,
  type OptionDefinition,
  type Values,
} from '@kvs/server';

/** How a node takes part in a cluster. */
export interface ClusterConfig {
  /** URLs of proxies. Empty: the node joins if a proxy invites it. */
  readonly join: readonly string[];
  /** Undefined for the address. */
  readonly id: string | undefined;
  /** `host:port`; undefined for where the node listens. */
  readonly address: string | undefined;
  /** Where cluster clients of Redis are sent; undefined for the host under which proxies know the node, or where it listens. */
  readonly announceHost: string | undefined;
  readonly zone: string;
  readonly weight: number;
}

const GROUP = 'Cluster';

export const CLUSTER_OPTIONS = {
  join: list(
    { group: GROUP, description: 'proxies of the cluster that the node joins', value: 'url...' },
    parseOrigin,
  ),
  id: optional(
    { group: GROUP, description: 'name of the node in the cluster; by default its address', value: 'name' },
    parseName,
  ),
  address: optional(
    {
      group: GROUP,
      description: 'where proxies and other nodes reach the node; by default where it listens',
      value: 'host:port',
    },
    parseAddress,
  ),
  announceHost: optional(
    {
      group: GROUP,
      description: 'host to which cluster clients of Redis are sent; by default that of the address',
      value: 'host',
    },
    parseHost,
  ),
  zone: {
    group: GROUP,
    description: 'copies of a partition are spread over zones',
    value: 'name',
    default: '',
    parse: parseZone,
  } satisfies OptionDefinition<string>,
  weight: {
    group: GROUP,
    description: 'share of the partitions, in proportion to other nodes',
    value: 'number',
    default: 1,
    parse: parseWeight,
  } satisfies OptionDefinition<number>,
};

/** @throws StartError if the node can't join a cluster with its other options */
export function clusterConfig(
  { join, id, address, announceHost, zone, weight }: Values<typeof CLUSTER_OPTIONS>,
  host: string,
): ClusterConfig {
  if (join.length > 0) {
    if (address === undefined && isAnyAddress(host))
      throw usageError(`--join needs --address, because others can't reach a node at ${host}`);
  }
  return { join, id, address, announceHost: announceHost ?? (address && hostOf(address)), zone, weight };
}

function parseName(text: string): string {
  if (isNodeId(text)) return text;
  throw new InvalidArgumentError(
    `It must be 1 to ${MAX_LABEL_LENGTH} letters, digits and characters of "-_.:[]".`,
  );
}

function parseZone(text: string): string {
  if (isLabel(text)) return text;
  throw new InvalidArgumentError(`It must be at most ${MAX_LABEL_LENGTH} characters that can be printed.`);
}

function parseWeight(text: string): number {
  const weight = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (isWeight(weight)) return weight;
  throw new InvalidArgumentError(`It must be a number from ${MIN_WEIGHT} to ${MAX_WEIGHT}.`);
}
