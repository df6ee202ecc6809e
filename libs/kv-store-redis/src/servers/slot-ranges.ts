import type { ServerAddress } from '../redis-engine-options.js';

/** Slots of a Cluster, both ends included, and the master that has them. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly owner: ServerAddress;
}

export const EVERY_SLOT = Object.freeze({ first: 0, last: 16_383 });

export function addressName({ host, port }: ServerAddress): string {
  return `${host}:${port}`;
}

/** What CLUSTER SLOTS answers: [first, last, [host, port, …] of the master, … of its replicas] for each range. */
export function parseSlotRanges(reply: unknown, asked: ServerAddress): readonly SlotRange[] {
  if (!Array.isArray(reply)) throw unexpected();
  return reply.map((range: unknown): SlotRange => {
    const [first, last, master]: unknown[] = Array.isArray(range) ? range : [];
    const [host, port]: unknown[] = Array.isArray(master) ? master : [];
    if (typeof first !== 'number' || typeof last !== 'number' || typeof port !== 'number') throw unexpected();
    return { first, last, owner: { host: hostOf(host, asked), port } };
  });
}

/** A server that does not know its own address says nothing, and means the one by which it was reached. */
function hostOf(host: unknown, asked: ServerAddress): string {
  const name = Buffer.isBuffer(host) ? host.toString() : '';
  return name === '' || name === '?' ? asked.host : name;
}

function unexpected(): Error {
  return new Error('CLUSTER SLOTS gave an answer that makes no sense');
}
