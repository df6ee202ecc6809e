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
import type { FaultyWire } from './faulty-wire.js';
import type { HeldStore } from './held-store.js';
import type { TestNode } from './test-node.js';

/** The settings of a transport that tests choose. */
export interface TransportSettings {
  /** How long the node may take; long enough not to matter, if not given. */
  readonly nodeTimeoutMs: number;
  /** Most calls that may be pending. */
  readonly maxPendingCalls: number;
}

export interface TransportSuiteOptions {
  /** Makes a transport to the node at this address. The suite closes it. */
  readonly connect: (address: string, settings: TransportSettings) => NodeTransport;
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

/** A node under test, and a wire to it that can fail. */
export interface TransportTestBench {
  readonly store: HeldStore;
  readonly node: TestNode;
  readonly wire: FaultyWire;
  /** A transport over the wire, or to another address. Closed after the test. */
  readonly connect: (settings?: Partial<TransportSettings>, address?: string) => KeyTransport;
}

/** One side of the transport contract: tests by the promise that each holds the transport to. */
export interface TransportTrait {
  readonly title: string;
  readonly tests: Readonly<Record<string, (bench: TransportTestBench) => Promise<void>>>;
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

/** Asks again until the node can be reached, like a user of the transport. */
export async function untilReached<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const RETRY_MS = 10;
