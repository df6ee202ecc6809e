import { SLOT_COUNT, slotOf, slotOfBytes } from '@kvs/protocol';
import { at, number } from '../arguments.js';
import type { ClusterMap, ClusterView } from '../cluster/cluster-map.js';
import { ClusterReplies } from '../cluster/cluster-replies.js';
import { NOT_JOINED } from '../cluster/slots.js';
import type { Command } from '../command.js';
import type { Keyspace } from '../keyspace/index.js';
import { OK, RedisError, Verbatim, type Reply } from '../reply.js';
import { commandOf, type Subcommand } from '../subcommands.js';

/** CLUSTER, READONLY and READWRITE on a node. */
export function clusterCommands(cluster: ClusterView): readonly Command[] {
  const replies = new CurrentReplies(cluster);
  const about = (arity: number, read: (replies: ClusterReplies) => Reply): Subcommand => ({
    arity,
    run: () => read(replies.get()),
  });
  return [
    commandOf('cluster', ['stale'], {
      countkeysinslot: {
        arity: 3,
        readsPairs: true,
        run: (args, { keyspace }) => countKeys(number(at(args, 0)), cluster, keyspace),
      },
      info: about(2, ({ info }) => new Verbatim(info)),
      keyslot: { arity: 3, run: (args) => slotOfBytes(at(args, 0)) },
      myid: { arity: 2, run: () => cluster.current()?.self?.id ?? NOT_JOINED },
      nodes: about(2, ({ nodes }) => new Verbatim(nodes)),
      shards: about(2, ({ shards }) => shards),
      slots: about(2, ({ slots }) => slots),
    }),
    // Only primaries answer, and clients know of no other copies, so these two change nothing.
    { name: 'readonly', arity: 1, flags: ['loading', 'stale', 'fast'], run: () => OK },
    { name: 'readwrite', arity: 1, flags: ['loading', 'stale', 'fast'], run: () => OK },
  ];
}

/** Returns how many keys this node has in a slot. O(keys of the partition). */
async function countKeys(slot: number, cluster: ClusterView, keyspace: Keyspace): Promise<Reply> {
  if (slot < 0 || slot >= SLOT_COUNT) return new RedisError('ERR', 'Invalid slot');
  const map = cluster.current();
  const partition = slot >>> 2;
  const primary = map?.copies[partition]?.[0];
  if (primary === undefined || primary !== map?.self) return 0;
  let count = 0;
  for await (const keys of keyspace.keysOf(partition))
    for (const key of keys) if (slotOf(key) === slot) count++;
  return count;
}

/** The replies of the present map. */
class CurrentReplies {
  readonly #cluster: ClusterView;
  #last: { readonly map: ClusterMap; readonly replies: ClusterReplies } | undefined;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  /** @throws RedisError while the node is not part of its cluster */
  get(): ClusterReplies {
    const map = this.#cluster.current();
    if (map === undefined) throw NOT_JOINED;
    if (this.#last?.map !== map) this.#last = { map, replies: new ClusterReplies(map) };
    return this.#last.replies;
  }
}

/** The same commands on a proxy, which serves all keys. */
export const NO_CLUSTER_COMMANDS: readonly Command[] = [
  ['cluster', -2] as const,
  ['readonly', 1] as const,
  ['readwrite', 1] as const,
].map(([name, arity]) => ({
  name,
  arity,
  flags: ['loading', 'stale'],
  run: () => new RedisError('ERR', 'This instance has cluster support disabled'),
}));
