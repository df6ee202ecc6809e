import type { Replica } from '@kvs/replication';
import type { StoredPartition } from '@kvs/replication/testing';
import type { BootId, PrimaryOrder } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { idOf, type HeldPairs } from '../check/copies.js';
import type { Rule } from '../rules.js';
import { Process } from '../world/process.js';
import type { Random } from '../world/random.js';
import type { Call, Reply } from './calls.js';
import { RunningNode } from './running-node.js';
import { serveCall } from './serve.js';
import type { Peer, Surroundings } from './surroundings.js';

/** A storage node: a replica with its engine, its clock, and its ways to the others. It can end and start again. */
export class SimulatedNode implements Peer {
  readonly process: Process;
  readonly address: string;
  isSlow = false;
  readonly #cluster: Surroundings;
  readonly #random: Random;
  readonly #without: ReadonlySet<Rule>;
  /** Whether engine calls take time. */
  readonly #isAsynchronous: boolean;
  /** The boot id of the process at the other end of each connection that is up. */
  readonly #connected = new Map<Peer, BootId>();
  #stored = new Map<number, StoredPartition>();
  #state: RunningNode | undefined;
  #bootId: BootId;

  constructor(
    cluster: Surroundings,
    number: number,
    readonly isDurable: boolean,
    without: readonly Rule[],
  ) {
    const name = `n${number}`;
    this.#cluster = cluster;
    this.#random = cluster.random.fork(name);
    this.#without = new Set(without);
    this.#isAsynchronous = isDurable || this.#random.chance(0.5);
    this.address = `10.0.0.${number}:4000`;
    this.process = new Process(name, cluster.scheduler, this.#random.fork('process'), () => cluster.check());
    this.#bootId = boot(name);
  }

  get bootId(): BootId {
    return this.#bootId;
  }

  get replica(): Replica | undefined {
    return this.#state?.replica;
  }

  /** Connects to the other nodes. They must all have been made. */
  connect(): void {
    for (const other of this.#cluster.nodes) {
      if (other === this) continue;
      this.#cluster.network.connection(this.process, other.process).listen({
        up: () => {
          this.#connected.set(other, other.bootId);
          this.replica?.peerUp(other.bootId);
        },
        down: () => {
          const bootId = this.#connected.get(other);
          this.#connected.delete(other);
          if (bootId !== undefined) this.replica?.peerDown(bootId);
        },
      });
    }
  }

  start(): void {
    const { process } = this;
    process.start();
    if (!this.isDurable) {
      this.#stored = new Map();
      this.#bootId = boot(this.#without.has('R13') ? process.name : `${process.name}.${process.incarnation}`);
    }
    this.#connected.clear();
    this.#cluster.trace.add(process.name, `starts as ${this.#bootId}`);
    this.#state = new RunningNode(this, this.#cluster, this.#random, {
      bootId: this.#bootId,
      isDurable: this.isDurable,
      isAsynchronous: this.#isAsynchronous,
      without: this.#without,
      stored: this.#stored,
    });
  }

  crash(): void {
    this.#cluster.trace.add(this.process.name, 'crashes');
    this.#end();
  }

  get isLeaving(): boolean {
    return this.#state?.replica.isLeaving === true;
  }

  /** Reports from now on that it is about to end. */
  leave(): void {
    this.#state?.replica.leave();
  }

  /** Announces its end, and ends. */
  stop(): void {
    this.#state?.announceEnd();
    this.#cluster.trace.add(this.process.name, 'stops');
    this.#end();
  }

  /** Returns whether the process agrees to become primary, as a proxy asks before it promotes a copy. */
  agrees(bootId: BootId, partition: number, epoch: number): boolean {
    return bootId === this.#bootId && this.#state?.agrees(partition, epoch) === true;
  }

  obey(order: PrimaryOrder): void {
    this.#state?.obey(order);
  }

  serve(call: Call, epoch: number, reply: (reply: Reply) => void): void {
    const state = this.#state;
    if (state === undefined) return;
    serveCall(this.#cluster, state, call, epoch, reply);
  }

  isServing(partition: number): boolean {
    return this.process.isUp && !this.process.isPaused && this.#state?.isServing(partition) === true;
  }

  holdings(partition: number): HeldPairs | undefined {
    if (!this.process.isUp && !this.isDurable) return undefined;
    const stored = this.#stored.get(partition);
    return { name: this.#bootId, get: (key) => stored?.pairs.get(idOf(key)) };
  }

  #end(): void {
    this.process.crash();
    this.#state = undefined;
    this.#cluster.network.breakAll(this.process);
  }
}
