/* The parts that the suite uses of packages without types. */

declare module 'hashring' {
  export default class HashRing {
    constructor(nodes: Readonly<Record<string, { readonly weight: number }>>);
    get(key: string): string | undefined;
    add(nodes: Readonly<Record<string, { readonly weight: number }>>): this;
    /** Undocumented parts that `get` uses. */
    readonly ring: readonly { readonly server: string }[];
    find(hashValue: number): number;
    hashValue(key: string): number;
  }
}

declare module 'consistent-hash' {
  export default class ConsistentHash {
    constructor(options?: { range?: number; controlPoints?: number; distribution?: 'uniform' });
    add(node: string, controlPoints?: number): this;
    get(key: string): string | null;
  }
}

declare module 'node-hashring' {
  export default class HashRing {
    constructor(nodes: readonly string[]);
    addNode(node: string): void;
    findNode(key: string): string | undefined;
  }
}
