import { exclusive, type ExclusiveOperations, type KeyValueOperations, type Limits } from '@kvs/protocol';
import { MAX_CONNECTIONS, type Admission, type MetricsSource } from '@kvs/server';
import type { ClusterView } from './cluster/cluster-map.js';
import { Slots } from './cluster/slots.js';
import type { Command, MemoryLimit } from './command.js';
import { CommandTable } from './connection/command-table.js';
import type { Connection, ProgressLimits } from './connection/connection.js';
import { RedisListener } from './connection/redis-listener.js';
import { RedisMetrics } from './connection/redis-metrics.js';
import { TurnEnd } from './connection/turn-end.js';
import { DATA_COMMANDS } from './data-commands/index.js';
import { Keyspace } from './keyspace/index.js';
import { WriteBuffers } from './resp/reply-writer.js';
import { clusterCommands, NO_CLUSTER_COMMANDS } from './server-commands/cluster.js';
import { SERVER_COMMANDS } from './server-commands/index.js';

/** A server for the Redis protocol. */
export interface RedisOptions {
  /** Of kvs, for INFO. */
  readonly version: string;
  /** Transactions have keys for themselves among all callers of exclusive operations, and else among Redis clients. */
  readonly operations: KeyValueOperations | ExclusiveOperations;
  /** The cluster of this node; undefined on a proxy, which serves all keys. */
  readonly cluster?: ClusterView;
  /** Returns the memory that pairs take and may take. Default: the server knows neither. */
  readonly memory?: () => MemoryLimit;
  /** Returns the time by which pairs expire, in microseconds since the Unix epoch. Default: that of the system. */
  readonly nowMicros?: () => number;
  readonly settings: ProgressLimits & { readonly limits: Limits };
  readonly admission: Admission;
  /** Called with an error that is a defect. */
  readonly onError: (error: unknown) => void;
}

/** A server that doesn't listen yet. */
export interface OpenRedis {
  readonly listener: RedisListener;
  readonly metrics: MetricsSource;
}

/** Makes the listener for the Redis protocol, over any operations. */
export function openRedis(options: RedisOptions): OpenRedis {
  return openWith(options, []);
}

/** As {@link openRedis}, with more commands for tests. */
export function openWith(options: RedisOptions, more: readonly Command[]): OpenRedis {
  const { cluster, memory = () => NO_LIMIT, nowMicros = systemMicros } = options;
  const { admission, settings, version, onError } = options;
  const { limits } = settings;
  const operations = exclusive(options.operations);
  const aboutCluster = cluster === undefined ? NO_CLUSTER_COMMANDS : clusterCommands(cluster);
  const slots = cluster && new Slots(cluster);
  const commands = new CommandTable([...SERVER_COMMANDS, ...DATA_COMMANDS, ...aboutCluster, ...more]);
  const connections = new Map<number, Connection>();
  const metrics = new RedisMetrics(() => connections.size);
  const listener = new RedisListener(
    {
      commands,
      keyspace: new Keyspace({ operations, limits, ...(slots && { partitions: () => slots.served() }) }),
      slots,
      admission,
      metrics,
      limits,
      onError,
      requestLimits: {
        maxArguments: 2 * limits.maxBatchItems + MAX_OTHER_ARGUMENTS,
        maxArgumentBytes: Math.max(limits.maxKeyBytes, limits.maxValueBytes),
        maxRequestBytes: limits.maxBodyBytes,
      },
      progressLimits: settings,
      server: {
        version,
        isCluster: cluster !== undefined,
        sinceMs: performance.now(),
        commands,
        clients: connections,
        maxClients: MAX_CONNECTIONS,
        get memory() {
          return memory();
        },
        nowMicros,
        otherCopies: () => slots?.otherCopies() ?? 0,
        get totals() {
          return metrics.totals;
        },
        resetTotals: () => metrics.resetTotals(),
      },
      buffers: new WriteBuffers(),
      turnEnd: new TurnEnd(),
    },
    connections,
  );
  return { listener, metrics };
}

const systemMicros = (): number => 1000 * Date.now();
const NO_LIMIT: MemoryLimit = { maxBytes: 0, evicts: false };
/** A name and options, besides keys and values. */
const MAX_OTHER_ARGUMENTS = 16;
