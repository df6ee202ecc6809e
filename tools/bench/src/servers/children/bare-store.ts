import type { AddressInfo, Server } from 'node:net';

export interface Text {
  readonly encoding: string;
  readonly data: string;
}

export interface Pair {
  readonly key: Text;
  readonly value: Text;
}

/** A Map with the answers of kvs. Nothing is checked, and a key's encoding is no part of it. */
export class BareStore {
  readonly #pairs = new Map<string, Text>();

  set(items: readonly Pair[]): unknown {
    for (const { key, value } of items) this.#pairs.set(key.data, value);
    return { keys_added: items.length, keys_failed: [] };
  }

  fetch(keys: readonly Text[]): unknown {
    return keys.map((key) => ({ key, value: this.#pairs.get(key.data) ?? null }));
  }

  query(keys: readonly Text[]): unknown {
    return keys.map((key) => ({ key, value: this.#pairs.has(key.data) }));
  }

  all(): unknown {
    return Array.from(this.#pairs, ([data, value]) => ({ key: { encoding: 'string', data }, value }));
  }
}

/** As whoever started this process waits for. */
export function announce(server: Server): void {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no TCP address');
  process.stdout.write(`listening on http://localhost:${address.port}\n`);
}
