import type { Message, Replica } from '@kvs/replication';
import type { BootId } from '@kvs/topology';
import type { AcknowledgedWrites, HeldPairs } from '../check/copies.js';
import type { Http } from '../world/http.js';
import type { Network } from '../world/network.js';
import type { Process } from '../world/process.js';
import type { Random } from '../world/random.js';
import type { Scheduler } from '../world/scheduler.js';
import type { Trace } from '../world/trace.js';
import type { SimulatedProxy } from './proxy.js';

/** The parts of a cluster that its nodes use. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly network: Network;
  readonly http: Http;
  readonly trace: Trace;
  readonly acknowledged: AcknowledgedWrites;
  readonly nodes: readonly Peer[];
  readonly proxies: readonly SimulatedProxy[];
  readonly clients: { keysOf(partition: number): readonly string[] };
  /** The topology store. */
  readonly cell: { readonly isUnsteady: boolean };
  readonly evicts: boolean;
  /** Returns a proxy for a request of the control plane. */
  anyProxy(random: Random): SimulatedProxy | undefined;
  /** Notes a message between nodes that arrives. */
  traceMessage(from: BootId, to: BootId, message: Message): void;
  /** Must be called after each event of a node. */
  check(): void;
  /** Must be called after each acknowledged write. */
  checkCopies(): void;
  /** Must be called before a node deletes all pairs of a partition. */
  checkClear(node: Peer, partition: number): void;
}

/** A node, whether it runs or not. */
export interface Peer {
  readonly process: Process;
  readonly address: string;
  /** Of its newest process. */
  readonly bootId: BootId;
  /** Whether engine calls are slow. */
  readonly isSlow: boolean;
  /** Undefined while it does not run. */
  readonly replica: Replica | undefined;
  /** Returns what the node holds of a partition, for checkers; undefined if it has nothing because it is down. */
  holdings(partition: number): HeldPairs | undefined;
}
