import { hash32, PARTITION_COUNT, type HashRing } from '../src/index.js';

/** The owner's id of each partition. */
export const ownersOf = (ring: HashRing) =>
  Array.from({ length: PARTITION_COUNT }, (_, partition) => ring.owner(partition).id);

/** How many partitions each node has, by id, nodes without any included. */
export function loadsOf(ring: HashRing): Map<string, number> {
  return new Map(ring.nodes.map(({ id }) => [id, ring.partitionsOf(id).length]));
}

/** The partitions whose owner differs, with both owners. */
export function movesBetween(before: HashRing, after: HashRing) {
  const to = ownersOf(after);
  return ownersOf(before).flatMap((from, partition) => {
    const now = to[partition];
    return now === undefined || now === from ? [] : [{ partition, from, to: now }];
  });
}

/** The largest load, as a multiple of the fair share by weight. */
export function worstOverload(ring: HashRing): number {
  const total = ring.nodes.reduce((sum, { weight }) => sum + weight, 0);
  const loads = loadsOf(ring);
  return Math.max(
    ...ring.nodes.map(({ id, weight }) => (loads.get(id) ?? 0) / ((PARTITION_COUNT * weight) / total)),
  );
}

/** A fingerprint of a whole table. */
export const checksumOf = (ring: HashRing) => hash32(ownersOf(ring).join());
