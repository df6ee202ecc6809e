import { addressOf, SLOT_COUNT } from '@kvs/protocol';
import type { ServerAddress } from '../redis-url.js';

/** Slots of a Cluster, both ends included, and their master. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly owner: ServerAddress;
}

export function addressName({ host, port }: ServerAddress): string {
  return addressOf(host, port);
}

/**
 * Parses the answer to CLUSTER SLOTS: [first, last, [host, port, …] of the master, … of its replicas] for each range.
 */
export function parseSlotRanges(reply: unknown, asked: ServerAddress): readonly SlotRange[] {
  if (!Array.isArray(reply)) throw unexpected(asked);
  return reply.map((range: unknown): SlotRange => {
    const [first, last, master]: unknown[] = Array.isArray(range) ? range : [];
    const [host, port]: unknown[] = Array.isArray(master) ? master : [];
    if (!isSlot(first) || !isSlot(last) || typeof port !== 'number') throw unexpected(asked);
    return {
      first,
      last,
      owner: { host: hostOf(Buffer.isBuffer(host) ? host.toString() : '', asked), port },
    };
  });
}

/** Returns whether every slot has an owner. */
export function isComplete(ranges: readonly SlotRange[]): boolean {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0) === SLOT_COUNT;
}

function isSlot(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < SLOT_COUNT;
}

/** A server that does not know its own address leaves it out, and means the address by which it was reached. */
export function hostOf(name: string, asked: ServerAddress): string {
  return name === '' || name === '?' ? asked.host : name;
}

function unexpected(asked: ServerAddress): Error {
  return new Error(`Redis at ${addressName(asked)}: CLUSTER SLOTS gave an answer of an unknown form`);
}
