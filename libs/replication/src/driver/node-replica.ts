import type { EngineIdentity, EngineReplication, StorageEngine } from '@kvs/kv-store';
import { systemTimers } from '@kvs/protocol';
import { receiveMessages, type PeerReceiver } from '@kvs/node-link';
import { isBootId, type BootId, type TopologyAnswer } from '@kvs/topology';
import type { ReplicaPorts } from '../ports.js';
import { Replica } from '../replica.js';
import { DEFAULT_TIMES, type ReplicaTimes } from '../settings.js';
import { EnginePort } from './engine-port.js';
import { InputWaits } from './input-waits.js';
import { LeaseClock } from './lease-clock.js';
import { messageCodec } from './message-codec.js';
import { ProxyRequests, type ProxyRequestsOptions } from './proxy-requests.js';
import { Peers, type PeersOptions } from './peers.js';

export interface NodeReplicaOptions
  extends Pick<PeersOptions, 'onBreach'>, Pick<ProxyRequestsOptions, 'controlPlane' | 'onUnreachable'> {
  readonly bootId: BootId;
  readonly identity: EngineIdentity;
  readonly engine: StorageEngine;
  readonly replication: EngineReplication;
  /** The clock of the engine. */
  readonly clock: ReplicaPorts['clock'];
  /** Called with an error that is a defect. */
  readonly onError: (error: unknown) => void;
  readonly times?: ReplicaTimes;
}

/** Runs a {@link Replica} in a process: over the engine, over links to other nodes, and by the clocks of the system. */
export class NodeReplica {
  readonly replica: Replica;
  /** Takes the messages of other nodes from the link server. */
  readonly receiver: PeerReceiver;
  readonly #options: NodeReplicaOptions;
  readonly #peers: Peers;
  #cancelTick: () => void = () => undefined;
  readonly #input = new InputWaits();
  #isClosed = false;

  /** @param joined the topology of which this node is a part */
  constructor(options: NodeReplicaOptions, joined: TopologyAnswer) {
    const { bootId, identity, engine, replication, onError } = options;
    const own = { clusterId: joined.topology.clusterId, bootId };
    this.#options = options;
    options.clock.raise(joined.timeMs);
    this.#peers = new Peers({
      ...options,
      ...own,
      up: (peer) => this.#step(() => this.replica.peerUp(peer)),
      down: (peer) => this.#step(() => this.replica.peerDown(peer)),
    });
    this.replica = new Replica(
      {
        bootId,
        starts: identity.starts,
        times: options.times ?? DEFAULT_TIMES,
        without: new Set(),
      },
      this.#ports(new EnginePort(engine, replication, () => this.replica.callCount, onError)),
    );
    this.receiver = receiveMessages(
      () => own,
      messageCodec,
      (from, message) => {
        if (isBootId(from)) this.#step(() => this.replica.receive(from, message));
      },
      (from) => this.#input.heard(from),
    );
    this.learn(joined);
    this.#tick();
  }

  /** How many links to other nodes are open. */
  get openLinks(): number {
    return this.#peers.openCount;
  }

  /** Returns whether the link to another node is open. */
  isLinkedTo(bootId: BootId): boolean {
    return this.#peers.isOpen(bootId);
  }

  /** The node has got a topology from a proxy. */
  learn({ topology, timeMs }: TopologyAnswer): void {
    this.#options.clock.raise(timeMs);
    this.#step(() => {
      this.replica.learn(topology);
      this.#peers.learn(this.replica.topology ?? topology);
    });
  }

  /** @param bytesPerSecond how many bytes of fills this node may send; undefined for no limit */
  limitTransfers(bytesPerSecond: number | undefined): void {
    this.#step(() => this.replica.limitTransfers(bytesPerSecond));
  }

  /** Ends the links to other nodes, after the messages that were given before. */
  close(): void {
    this.#isClosed = true;
    this.#cancelTick();
    this.#peers.close();
  }

  #ports(engine: EnginePort): ReplicaPorts {
    const leaseClock = new LeaseClock(() => performance.now(), Date.now);
    const proxies = new ProxyRequests({ ...this.#options, learn: (answer) => this.learn(answer) });
    return {
      nowMs: () => Math.floor(performance.now()),
      leaseNowMs: () => Math.floor(leaseClock.nowMs()),
      send: (to, message) => this.#peers.send(to, message),
      isConnected: (to) => this.#peers.isOpen(to),
      ask: (requests) => proxies.ask(requests),
      readTopology: (done) => proxies.read(() => this.#step(done)),
      afterInput: (from, done) => this.#input.after(from, () => this.#step(done)),
      clock: this.#options.clock,
      engine,
    };
  }

  #tick(): void {
    if (this.#isClosed) return;
    this.#cancelTick = systemTimers.after(TICK_MS, () => {
      this.#step(() => this.replica.tick());
      this.#tick();
    });
  }

  /** A step that throws is a defect. The node goes on, because the others depend on it. */
  #step(step: () => void): void {
    if (this.#isClosed) return;
    try {
      step();
    } catch (error) {
      this.#options.onError(error);
    }
  }
}

const TICK_MS = 100;
