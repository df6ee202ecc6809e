import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KvsError } from '@kvs/protocol';
import {
  applyRequests,
  entriesRequestFrom,
  joinRequestFrom,
  newTopology,
  nodeOfBoot,
  nodeReportFrom,
  raiseVersionCeiling,
  registerNode,
  topologyAnswerToJson,
  type BootId,
  type EntryChange,
  type NodeReport,
  type PrimaryOrder,
  type Topology,
} from '@kvs/topology';

/** The control plane of a proxy. Its controller only removes copies of processes that leave: a test makes all other changes. */
export class FakeProxy {
  /** Whether it says that it has accepted a node. */
  answersJoins = true;
  /** Whether it answers reports, and requests for a newer topology. */
  answersReports = true;
  tellsNews = true;
  readonly reports: NodeReport[] = [];
  /** How many reports came before each read of the topology. */
  readonly reads: number[] = [];
  /** What the next report of each process is answered with. */
  readonly orders = new Map<BootId, PrimaryOrder[]>();
  /** The processes that are about to end, because they have reported it or a test says so. */
  readonly leaving = new Set<BootId>();
  /** How many bytes of fills each node may send; undefined for no limit. */
  transferBytesPerSecond: number | undefined;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #topology: Topology;

  constructor() {
    const first = newTopology({ clusterId: 'test', copies: 2, minInSync: 1 });
    this.#topology = raiseVersionCeiling(first, Number.MAX_SAFE_INTEGER);
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
    });
  }

  get topology(): Topology {
    return this.#topology;
  }

  set topology(topology: Topology) {
    this.#topology = topology;
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
  }

  /** @param port by default a free one */
  async start(port = 0): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  /** Changes an entry. */
  change(partition: number, change: EntryChange): void {
    const epoch = this.topology.partitions[partition]?.epoch ?? 0;
    this.topology = applyRequests(this.topology, [{ partition, epoch, change }]);
  }

  bootIdOf(id: string): BootId | undefined {
    return this.topology.nodes.find((node) => node.id === id)?.bootId;
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const what = `${request.method} ${request.url}`;
    // First, because a node that ends breaks off a request that waits.
    const sent = await readJson(request);
    const [, after] = what.split('?after=');
    if (after !== undefined) await this.#untilAfter(Number(after));
    const isRefused =
      after === undefined ? what.endsWith('/status') && !this.answersReports : !this.tellsNews;
    if (isRefused) return { status: 503, body: {} };
    try {
      const body = this.#handle(what, sent);
      return what === JOIN && !this.answersJoins ? { status: 503, body: {} } : { status: 200, body };
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
      return { status: 409, body: { code: error.code, detail: error.message } };
    }
  }

  async #untilAfter(revision: number): Promise<void> {
    while (this.#topology.revision <= revision) await new Promise<void>((tell) => this.#waiting.add(tell));
  }

  #handle(what: string, body: unknown): unknown {
    if (what === JOIN) {
      const { node, sharedStore } = joinRequestFrom(body);
      this.topology = registerNode(this.topology, node, sharedStore);
    } else if (what === 'POST /cluster/entries') {
      const { requests } = entriesRequestFrom(body);
      this.topology = applyRequests(this.topology, requests);
    } else if (what.endsWith('/status')) return this.#report(nodeReportFrom(body));
    else if (what === 'GET /cluster/topology') this.reads.push(this.reports.length);
    return JSON.parse(topologyAnswerToJson({ topology: this.topology, timeMs: TIME_MS }));
  }

  #report(report: NodeReport): unknown {
    this.reports.push(report);
    if (nodeOfBoot(this.topology, report.bootId) === undefined)
      throw new KvsError('unknown_node', 'no such node');
    if (report.isLeaving) this.leaving.add(report.bootId);
    const orders = [...(this.orders.get(report.bootId) ?? []), ...this.#removals(report.bootId)];
    this.orders.delete(report.bootId);
    const { topology, transferBytesPerSecond } = this;
    return {
      revision: topology.revision,
      timeMs: TIME_MS,
      transferBytesPerSecond,
      orders,
      leaving: [...this.leaving],
    };
  }

  /** Returns the orders to remove copies of processes that leave and serve nothing more. A primary that leaves too keeps them. */
  #removals(by: BootId): PrimaryOrder[] {
    if (this.leaving.has(by)) return [];
    const { partitions } = this.topology;
    const primaries = new Set(partitions.map(({ primary }) => primary));
    const removed = [...this.leaving].filter((copy) => !primaries.has(copy));
    return partitions.flatMap(({ epoch, primary, inSync }, partition) =>
      removed
        .filter((copy) => primary === by && inSync.includes(copy))
        .map((copy) => ({ kind: 'remove', partition, epoch, copy })),
    );
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}

const JOIN = 'POST /cluster/nodes';

/** Long ago, so that a node that takes the time of the system is noticed. */
export const TIME_MS = 1_500_000_000_000;
