import { nodeOfBoot, type BootId } from '@kvs/topology';
import type { Network } from '../world/network.js';
import type { Process } from '../world/process.js';
import type { Random } from '../world/random.js';
import type { Call, Reply } from './calls.js';
import type { SimulatedProxy } from './proxy.js';

/** A node, as routers see it. */
export interface NodeServer {
  readonly process: Process;
  readonly bootId: BootId;
  serve(call: Call, epoch: number, reply: (reply: Reply) => void): void;
}

interface Attempt {
  fail(): void;
}

/** A proxy's way to nodes: sends each call to the primary of its partition, and tries again while nothing was done. */
export class SimulatedRouter {
  readonly #proxy: SimulatedProxy;
  readonly #network: Network;
  readonly #random: Random;
  readonly #serverAt: (address: string) => NodeServer | undefined;
  /** The calls that were sent to each node and not answered. */
  readonly #inFlight = new Map<Process, Set<Attempt>>();

  constructor(
    proxy: SimulatedProxy,
    network: Network,
    random: Random,
    serverAt: (address: string) => NodeServer | undefined,
  ) {
    this.#proxy = proxy;
    this.#network = network;
    this.#random = random;
    this.#serverAt = serverAt;
  }

  /** Does a call. `done` is called once with what the client is told. */
  route(call: Call, done: (reply: Reply) => void): void {
    const { process } = this.#proxy;
    const startMs = process.nowMs();
    const again = () => {
      if (process.nowMs() - startMs > FAILOVER_WAIT_MS)
        done({ kind: 'failed', code: 'node_unavailable', maybeApplied: false });
      else process.after(this.#random.between(30, 120), attempt);
    };
    const attempt = () => this.#attempt(call, again, done);
    attempt();
  }

  #attempt(call: Call, again: () => void, done: (reply: Reply) => void): void {
    const { topology, process } = this.#proxy;
    const entry = topology.partitions[call.partition];
    const address = entry?.primary && nodeOfBoot(topology, entry.primary)?.address;
    const server = address === undefined ? undefined : this.#serverAt(address);
    if (entry === undefined || server === undefined) return again();
    const forth = this.#network.connection(process, server.process);
    const back = this.#network.connection(server.process, process);
    const flight = this.#flightTo(server.process);
    const finish = (reply: Reply) => {
      if (!flight.delete(one)) return;
      if (reply.kind === 'wrongNode') again();
      else done(reply);
    };
    const one: Attempt = {
      // A read may be done twice.
      fail: () =>
        finish(
          call.act.kind === 'read'
            ? { kind: 'wrongNode' }
            : { kind: 'failed', code: 'node_unavailable', maybeApplied: true },
        ),
    };
    flight.add(one);
    const { generation } = forth;
    const isSent = forth.send(() => {
      // The address may have another process by now, which knows nothing of this call.
      server.serve(call, entry.epoch, (reply) => {
        if (generation !== forth.generation || !back.send(() => finish(reply))) forth.break();
      });
    });
    if (!isSent) {
      flight.delete(one);
      again();
    }
  }

  #flightTo(process: Process): Set<Attempt> {
    let flight = this.#inFlight.get(process);
    if (flight === undefined) {
      const made = (flight = new Set<Attempt>());
      this.#inFlight.set(process, made);
      const fail = () => {
        for (const attempt of [...made]) attempt.fail();
      };
      this.#network.connection(this.#proxy.process, process).listen({ down: fail });
      this.#network
        .connection(process, this.#proxy.process)
        .listen({ down: () => this.#network.connection(this.#proxy.process, process).break() });
    }
    return flight;
  }
}

const FAILOVER_WAIT_MS = 5000;
