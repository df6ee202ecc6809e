import { hash32, PARTITION_COUNT, type HashRing } from '../src/index.js';

/** Returns the id of each partition's owner. */
export const ownersOf = (ring: HashRing) =>
  Array.from({ length: PARTITION_COUNT }, (_, partition) => ring.owner(partition).id);

/** Returns how many partitions each node has, by id, including nodes without any. */
export function loadsOf(ring: HashRing): Map<string, number> {
  return new Map(ring.nodes.map(({ id }) => [id, ring.partitionsOf(id).length]));
}

/** Returns the partitions that change their owner, with both owners. */
export function movesBetween(before: HashRing, after: HashRing) {
  const to = ownersOf(after);
  return ownersOf(before).flatMap((from, partition) => {
    const now = to[partition];
    return now === undefined || now === from ? [] : [{ partition, from, to: now }];
  });
}

/** Returns the largest load, as a multiple of the fair share by weight. */
export function worstOverload(ring: HashRing): number {
  const total = ring.nodes.reduce((sum, { weight }) => sum + weight, 0);
  const loads = loadsOf(ring);
  return Math.max(
    ...ring.nodes.map(({ id, weight }) => (loads.get(id) ?? 0) / ((PARTITION_COUNT * weight) / total)),
  );
}

/** Returns a fingerprint of a whole table. */
export const checksumOf = (ring: HashRing) => hash32(ownersOf(ring).join());
