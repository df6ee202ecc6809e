import { HashRing } from '@kvs/hash-ring';
import { partitionOf, stringKey } from '@kvs/protocol';
import { childInput, childOutput } from '../../harness/in-child.js';
import { fetchText, load, randomPairs, type Pair } from '../requests.js';

/**
 * Writes random pairs to the nodes that own them. The proxy takes no part, so its memory stays as it is. A process of its
 * own keeps the garbage of a million pairs out of the one that measures.
 */

export interface FillNodesInput {
  /** `host:port` of each node. */
  readonly addresses: readonly string[];
  /** Writes the random pairs from this index up to another. */
  readonly from: number;
  readonly to: number;
  /** The max number of written pairs in the output. */
  readonly sampleCount: number;
}

export interface FillNodesOutput {
  /** Some of the pairs, spread over all. */
  readonly sample: readonly Pair[];
  /** The length of a `GET /fetch` of the pairs up to `to`. */
  readonly fetchBytes: number;
}

const { addresses, from, to, sampleCount } = childInput<FillNodesInput>();
const pairs = randomPairs(to);
const written = pairs.slice(from);
const ring = new HashRing(addresses);
const byOwner = new Map<string, Pair[]>(addresses.map((address) => [address, []]));
for (const pair of written) byOwner.get(ring.owner(partitionOf(stringKey(pair.key))).id)?.push(pair);
for (const [address, owned] of byOwner) await load({ name: address, origin: `http://${address}` }, owned);

const step = Math.ceil(written.length / sampleCount);
childOutput({
  sample: written.filter((_pair, at) => at % step === 0),
  fetchBytes: fetchText(pairs).length,
} satisfies FillNodesOutput);
