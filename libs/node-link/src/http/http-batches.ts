import type { DeleteItem, SetItem, WireSetItem } from '@kvs/protocol';
import type { Batch } from '../batch.js';
import type { Call } from '../pending-call.js';
import type { HttpBatch } from './http-exchange.js';
import {
  readDeleteOutcomes,
  readFetchOutcomes,
  readQueryOutcomes,
  readSetOutcomes,
  type NodeAnswer,
} from './node-answers.js';

/** Some calls of one kind as one batch, in their order. */
export function mergedBatch(calls: readonly Call[]): HttpBatch {
  const items = calls.flatMap(wireItems);
  const [first] = calls;
  return { ...ROUTES[first?.kind ?? 'query'], body: JSON.stringify(items) };
}

/** Gives each call its own outcomes of the answer to their merged batch. */
export function settleMerged(calls: readonly Call[], answer: NodeAnswer): void {
  switch (calls[0]?.kind) {
    case 'set': {
      const own = calls.filter((call) => call.kind === 'set');
      deal(own, readSetOutcomes(answer, countOf(own)));
      break;
    }
    case 'delete': {
      const own = calls.filter((call) => call.kind === 'delete');
      deal(own, readDeleteOutcomes(answer, countOf(own)));
      break;
    }
    case 'fetch': {
      const own = calls.filter((call) => call.kind === 'fetch');
      const keys = own.flatMap(({ items }) => items);
      deal(own, readFetchOutcomes(answer, keys));
      break;
    }
    case 'query': {
      const own = calls.filter((call) => call.kind === 'query');
      const keys = own.flatMap(({ items }) => items);
      deal(own, readQueryOutcomes(answer, keys));
    }
  }
}

const ROUTES: Readonly<Record<Batch['kind'], Omit<HttpBatch, 'body'>>> = {
  set: { method: 'PUT', path: '/set?meta=true' },
  fetch: { method: 'POST', path: '/fetch?meta=true' },
  query: { method: 'POST', path: '/query' },
  delete: { method: 'POST', path: '/delete?meta=true' },
};

interface Taker<O> {
  readonly items: readonly unknown[];
  readonly settled: boolean;
  completeWith(outcomes: readonly O[]): void;
}

function deal<O>(calls: readonly Taker<O>[], outcomes: readonly O[]): void {
  let from = 0;
  for (const call of calls) {
    const to = from + call.items.length;
    if (!call.settled) call.completeWith(calls.length === 1 ? outcomes : outcomes.slice(from, to));
    from = to;
  }
}

function countOf(calls: readonly { readonly items: readonly unknown[] }[]): number {
  return calls.reduce((count, { items }) => count + items.length, 0);
}

function wireItems(batch: Batch): readonly unknown[] {
  switch (batch.kind) {
    case 'set':
      return batch.items.map(wireSetItem);
    case 'delete':
      return batch.items.map(wireDeleteItem);
    case 'fetch':
    case 'query':
      return batch.items;
  }
}

function wireSetItem({ key, value, ttlMs, ifVersion }: SetItem): WireSetItem {
  return {
    key,
    value,
    ...(ttlMs === undefined ? undefined : { ttl_ms: ttlMs }),
    ...(ifVersion === undefined ? undefined : { if_version: ifVersion }),
  };
}

function wireDeleteItem({ key, ifVersion }: DeleteItem): unknown {
  return ifVersion === undefined ? key : { key, if_version: ifVersion };
}
