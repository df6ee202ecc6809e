import { HashRing } from '@kvs/hash-ring';
import { partitionOf, stringKey, type EncodedData } from '@kvs/protocol';

export const string = (data: string): EncodedData => ({ encoding: 'string', data });
export const binary = (data: string): EncodedData => ({ encoding: 'binary', data });

/** Returns some keys of each node. */
export function keysByNode(addresses: readonly string[], count: number): Map<string, EncodedData[]> {
  const ring = new HashRing(addresses);
  const keys = new Map<string, EncodedData[]>(addresses.map((address) => [address, []]));
  for (let i = 0; [...keys.values()].some(({ length }) => length < count); i++) {
    const key = stringKey(`key-${i}`);
    const owned = keys.get(ring.owner(partitionOf(key)).id);
    if (owned && owned.length < count) owned.push(key);
  }
  return keys;
}
