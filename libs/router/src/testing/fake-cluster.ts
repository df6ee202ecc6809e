import { text as textOf } from 'node:stream/consumers';
import { HashRing } from '@kvs/hash-ring';
import { keyId, partitionOf, stringKey, type Key, type PairLines } from '@kvs/protocol';
import { Router } from '../router.js';
import { FixedNodes } from '../routing-table.js';
import { FakeNode } from './fake-node.js';

/** A router over nodes in this process, and the owner of each key. */
export class FakeCluster {
  readonly addresses: readonly string[];
  readonly router: Router;
  readonly #nodes = new Map<string, FakeNode>();
  readonly #ring: HashRing;

  constructor(count: number) {
    this.addresses = Array.from({ length: count }, (_, i) => `node-${i}:3000`);
    this.#ring = new HashRing(this.addresses);
    this.router = new Router(new FixedNodes(this.addresses), (address) => {
      const node = new FakeNode();
      this.#nodes.set(address, node);
      return node;
    });
  }

  node(address: string | undefined): FakeNode {
    const node = this.#nodes.get(address ?? '');
    if (node === undefined) throw new TypeError(`no node ${address}`);
    return node;
  }

  all(): FakeNode[] {
    return [...this.#nodes.values()];
  }

  ownerOf(key: Key): string {
    return this.#ring.owner(partitionOf(key)).id;
  }

  partitionsOf(address: string): number[] {
    return this.#ring.partitionsOf(address);
  }

  /** Some keys of which `address` owns (or, for false, does not own) every one. */
  keysOf(address: string, owned = true, count = 3): Key[] {
    const keys: Key[] = [];
    for (let i = 0; keys.length < count; i++) {
      const key = stringKey(`key-${i}`);
      if ((this.ownerOf(key) === address) === owned) keys.push(key);
    }
    return keys;
  }
}

/** The ids of the keys of all lines, sorted. */
export async function idsIn(lines: PairLines): Promise<string[]> {
  return (await pairsIn(lines)).map(({ key }) => keyId(key)).sort();
}

export async function pairsIn(lines: PairLines): Promise<{ key: Key; value: unknown }[]> {
  const text = await textOf(lines);
  return text === '' ? [] : JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`);
}
