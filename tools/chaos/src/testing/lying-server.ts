import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isRecord } from '@kvs/protocol';

/** How a server breaks its promises, once it has had some operations. */
export type Lie =
  | 'none'
  /** A read shows the value before the last one. */
  | 'stale read'
  /** A write is acknowledged and not done. */
  | 'lost write'
  /** A write is done although the answer says that it was not. */
  | 'refused write that is done'
  /** A write is done although its condition does not hold. */
  | 'ignored condition';

interface Pair {
  readonly value: unknown;
  readonly version: number;
}

/** A server with the batch routes of a proxy that holds pairs in a map, and lies now and then. */
export class LyingServer {
  readonly #lie: Lie;
  readonly #server: Server;
  readonly #pairs = new Map<string, Pair>();
  readonly #previous = new Map<string, Pair | undefined>();
  #version = 0;
  #lies = 0;

  private constructor(lie: Lie) {
    this.#lie = lie;
    this.#server = createServer((request, response) => {
      void bodyOf(request).then((items) =>
        response.end(JSON.stringify(this.#answer(request.url ?? '', items))),
      );
    });
  }

  static async start(lie: Lie): Promise<LyingServer> {
    const server = new LyingServer(lie);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get origin(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** How many lies it has told. */
  get lies(): number {
    return this.#lies;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(path: string, items: readonly Item[]): unknown {
    if (path.startsWith('/fetch')) return items.map(({ key }) => ({ value: null, ...this.#read(key) }));
    const [item] = items;
    const isSet = path.startsWith('/set');
    const result = item === undefined ? false : this.#write(item, isSet);
    const failure = typeof result === 'string' ? [{ code: result }] : [];
    return { keys_failed: failure, ...(isSet ? { versions: [this.#version] } : { deleted: [result] }) };
  }

  #read(key: string): Pair | undefined {
    const previous = this.#previous.get(key);
    return previous !== undefined && this.#tells('stale read') ? previous : this.#pairs.get(key);
  }

  /** @returns whether a pair was there, or the code of a failure */
  #write({ key, value, ifVersion }: Item, isSet: boolean): boolean | string {
    const before = this.#pairs.get(key);
    const holds = ifVersion === undefined || ifVersion === (before?.version ?? 0);
    if (!holds && !(isSet && this.#tells('ignored condition'))) return 'version_mismatch';
    const after = isSet ? { value, version: ++this.#version } : undefined;
    if (isSet && this.#tells('lost write')) return before !== undefined;
    this.#previous.set(key, before);
    if (after === undefined) this.#pairs.delete(key);
    else this.#pairs.set(key, after);
    return isSet && this.#tells('refused write that is done') ? 'under_replicated' : before !== undefined;
  }

  /** Returns whether to lie in this way now. */
  #tells(lie: Lie): boolean {
    if (lie !== this.#lie || this.#version < HONEST_VERSIONS) return false;
    this.#lies++;
    return true;
  }
}

interface Item {
  readonly key: string;
  readonly value: unknown;
  readonly ifVersion: unknown;
}

async function bodyOf(request: IncomingMessage): Promise<Item[]> {
  let text = '';
  for await (const part of request) text += String(part);
  const items: unknown = JSON.parse(text);
  return (Array.isArray(items) ? items : []).filter(isRecord).map((item) => {
    const key = isRecord(item['key']) ? String(item['key']['data']) : '';
    return { key, value: item['value'], ifVersion: item['if_version'] };
  });
}

const HONEST_VERSIONS = 20;
