import { strict as assert } from 'node:assert';
import {
  partitionOf,
  type AnswerSize,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type QueryOutcome,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
} from '@kvs/protocol';
import {
  TransportError,
  type NodeScan,
  type NodeTransport,
  type TransportFailure,
} from '@kvs/router/transport';
import { NodeLink, type NodeLinkOptions } from '../src/node-link.js';
import { HeldStore } from '../src/testing/held-store.js';
import { TestNode } from '../src/testing/test-node.js';

/** A node under test, and links to it. */
interface LinkBench {
  readonly store: HeldStore;
  readonly node: TestNode;
  /** Returns a link to the node. It is closed after the test. */
  readonly connect: (options?: Partial<NodeLinkOptions>) => KeyTransport;
}

/**
 * Registers a test of links with a node of its own on a free port. By default, the time limit and the limit of calls are too
 * high to matter.
 */
export function linkTest(name: string, test: (bench: LinkBench) => Promise<void>): void {
  it(name, async () => {
    const store = new HeldStore();
    const node = new TestNode(store);
    await node.start();
    const links: NodeLink[] = [];
    const connect: LinkBench['connect'] = (options) => {
      const link = new NodeLink(`127.0.0.1:${node.port}`, {
        nodeTimeoutMs: 60_000,
        maxPendingCalls: 1000,
        ...options,
      });
      links.push(link);
      return byKeys(link);
    };
    try {
      await test({ store, node, connect });
    } finally {
      for (const link of links) link.close();
      await node.kill();
    }
  });
}

/** A transport that computes the partitions of keys itself, and knows no epoch. */
export interface KeyTransport extends Pick<NodeTransport, 'stats' | 'close'> {
  scan(request: ScanRequest): Promise<NodeScan>;
  set(items: readonly SetItem[]): Promise<readonly SetOutcome[]>;
  fetch(keys: readonly Key[], size?: AnswerSize): Promise<readonly FetchOutcome[]>;
  query(keys: readonly Key[]): Promise<readonly QueryOutcome[]>;
  delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]>;
}

/** Returns the transport for callers that have only keys. */
export function byKeys(transport: NodeTransport): KeyTransport {
  const of = (items: readonly { readonly key: Key }[]) => items.map(({ key }) => partitionOf(key));
  return {
    set: (items) => transport.set(items, of(items), 0),
    fetch: (keys, size) => transport.fetch(keys, keys.map(partitionOf), 0, size),
    query: (keys) => transport.query(keys, keys.map(partitionOf), 0),
    delete: (items) => transport.delete(items, of(items), 0),
    scan: (request) => transport.scan(request, 0),
    stats: () => transport.stats(),
    close: () => transport.close(),
  };
}

/** The failure that a call comes to. */
export async function failureOf(call: Promise<unknown>): Promise<TransportFailure> {
  const outcome: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof TransportError, `expected a TransportError, not ${String(outcome)}`);
  return outcome.failure;
}
