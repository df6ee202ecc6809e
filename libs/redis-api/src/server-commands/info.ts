import type { Command, CommandContext } from '../command.js';
import { Verbatim, type Reply } from '../reply.js';
import { memorySettings } from './config.js';
import { REDIS_VERSION } from './redis-version.js';

/** INFO: what tools of Redis ask a server for. `GET /metrics` has the metrics of kvs. */
export const INFO_COMMAND: Command = { name: 'info', arity: -1, flags: ['loading', 'stale'], run: info };

type Section = (context: CommandContext) => Readonly<Record<string, string | number>>;

const SECTIONS: Readonly<Record<string, Section>> = {
  Server: ({ server }) => ({
    redis_version: REDIS_VERSION,
    redis_mode: server.isCluster ? 'cluster' : 'standalone',
    server_name: 'kvs',
    kvs_version: server.version,
    process_id: process.pid,
    uptime_in_seconds: Math.floor((performance.now() - server.sinceMs) / 1000),
  }),
  Clients: ({ server }) => ({
    connected_clients: server.clients.size,
    maxclients: server.maxClients,
    blocked_clients: 0,
  }),
  Memory: ({ server: { memory } }) => {
    const processBytes = process.memoryUsage.rss();
    return {
      used_memory: memory.usedBytes ?? processBytes,
      used_memory_rss: processBytes,
      ...memorySettings(memory),
    };
  },
  Persistence: () => ({ loading: 0 }),
  Stats: ({ server }) => ({
    total_connections_received: server.totals.connections,
    total_commands_processed: server.totals.commands,
  }),
  Replication: () => ({ role: 'master', connected_slaves: 0 }),
  Cluster: ({ server }) => ({ cluster_enabled: server.isCluster ? 1 : 0 }),
};

function info(args: readonly Buffer[], context: CommandContext): Reply {
  const wanted = new Set(args.map((arg) => arg.toString().toLowerCase()));
  const isAll = wanted.size === 0 || ALL.some((name) => wanted.has(name));
  const shown = Object.entries(SECTIONS).filter(([name]) => isAll || wanted.has(name.toLowerCase()));
  const texts = shown.map(([name, section]) => {
    const lines = Object.entries(section(context)).map(([field, value]) => `${field}:${value}\r\n`);
    return `# ${name}\r\n${lines.join('')}`;
  });
  return new Verbatim(texts.join('\r\n'));
}

const ALL = ['all', 'default', 'everything'];
