import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { fields, text, type EtcdUser, type Fields } from '../etcd-gateway.js';

interface Pair {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
  readonly lease: string | undefined;
}

/** A server of etcd in this process, with the part of the JSON gateway that the store uses. */
export class FakeGateway {
  /** How requests for a path fail: `refuse` and `hang` before they were carried out, and `lose` after that. */
  readonly failures = new Map<string, 'refuse' | 'hang' | 'lose'>();
  /** How many values were sent. */
  sentValues = 0;
  /** If set, other paths need the token of this user. */
  user: EtcdUser | undefined;
  #token = 0;
  readonly #server: Server;
  /** The server that carries requests out. */
  readonly #first: FakeGateway;
  readonly #pairs = new Map<string, Pair>();
  readonly #leases = new Set<string>();
  readonly #watchers = new Set<ServerResponse>();
  #revision = 1;

  private constructor(first?: FakeGateway) {
    this.#first = first ?? this;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** @param first another server of the same etcd */
  static async start(first?: FakeGateway): Promise<FakeGateway> {
    const gateway = new FakeGateway(first);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    return gateway;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the gateway does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Ends the connections of all watchers. */
  breakWatches(): void {
    for (const watcher of this.#watchers) watcher.destroy();
  }

  /** Sends the event of a change to all watchers. */
  sendEvent(value: string): void {
    const event = { result: { events: [{ kv: { value } }] } };
    for (const watcher of this.#watchers) watcher.write(`${JSON.stringify(event)}\n`);
  }

  /** Lets all leases end, with their keys. */
  endLeases(): void {
    for (const id of this.#leases) this.#endLease(id);
  }

  forgetTokens(): void {
    this.#token++;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const path = request.url ?? '';
    const failure = this.failures.get(path);
    if (failure === 'refuse') return void response.destroy();
    if (failure === 'hang') return;
    if (path === '/v3/auth/authenticate') return this.#authenticate(response, fields(JSON.parse(body)));
    if (this.user !== undefined && request.headers.authorization !== `token ${this.#token}`)
      return void response.writeHead(401).end('{"error":"etcdserver: invalid auth token"}');
    if (path === '/v3/watch') return this.#watch(response);
    const answer = this.#first.#answer(path, fields(JSON.parse(body)));
    if (failure === 'lose') return void response.destroy();
    if (answer === undefined)
      return void response.writeHead(404).end('{"error":"etcdserver: requested lease not found"}');
    response.end(JSON.stringify({ header: { revision: `${this.#first.#revision}` }, ...answer }));
  }

  #authenticate(response: ServerResponse, { name, password }: Fields): void {
    const isKnown = name === this.user?.name && password === this.user?.password;
    if (isKnown) response.end(JSON.stringify({ token: `token ${this.#token}` }));
    else response.writeHead(400).end('{"error":"etcdserver: authentication failed"}');
  }

  #watch(response: ServerResponse): void {
    this.#watchers.add(response);
    response.on('close', () => this.#watchers.delete(response));
    response.write('{"result":{"created":true}}\n');
  }

  /** Returns undefined if a lease has ended. */
  #answer(path: string, body: Fields): object | undefined {
    switch (path) {
      case '/v3/kv/range':
        return this.#range(body);
      case '/v3/kv/txn':
        return this.#transact(body);
      case '/v3/lease/grant': {
        const id = `${this.#leases.size + 1}${this.#revision}`;
        this.#leases.add(id);
        return { ID: id, TTL: `${String(body['TTL'])}` };
      }
      case '/v3/lease/keepalive':
        return { result: { ID: body['ID'], ...(this.#leases.has(text(body, 'ID')) && { TTL: '5' }) } };
      case '/v3/lease/revoke':
        this.#endLease(text(body, 'ID'));
        return {};
      default:
        throw new Error(`no such path: ${path}`);
    }
  }

  #range(body: Fields): object {
    const pair = this.#pairs.get(text(body, 'key'));
    if (pair === undefined) return {};
    const value = body['keys_only'] === true ? undefined : pair.value;
    if (value !== undefined) this.sentValues++;
    return { kvs: [{ key: body['key'], value, mod_revision: `${pair.mod}` }], count: '1' };
  }

  #transact(body: Fields): object | undefined {
    const comparison = first(body, 'compare');
    const pair = this.#pairs.get(text(comparison, 'key'));
    if (!isMet(comparison, pair)) {
      const range = fields(first(body, 'failure')['request_range']);
      return { responses: [{ response_range: this.#range(range) }] };
    }
    const put = fields(first(body, 'success')['request_put']);
    const lease = text(put, 'lease') || undefined;
    if (lease !== undefined && !this.#leases.has(lease)) return undefined;
    this.#revision++;
    const next = {
      value: text(put, 'value'),
      create: pair?.create ?? this.#revision,
      mod: this.#revision,
      lease,
    };
    this.#pairs.set(text(put, 'key'), next);
    for (const watcher of this.#watchers) watcher.write('{"result":{"events":[{}]}}\n');
    return { succeeded: true };
  }

  #endLease(id: string): void {
    this.#leases.delete(id);
    for (const [key, pair] of this.#pairs) if (pair.lease === id) this.#pairs.delete(key);
  }
}

function isMet(comparison: Fields, pair: Pair | undefined): boolean {
  switch (comparison['target']) {
    case 'MOD':
      return comparison['mod_revision'] === `${pair?.mod ?? 0}`;
    case 'CREATE':
      return comparison['create_revision'] === `${pair?.create ?? 0}`;
    case 'VALUE':
      return comparison['value'] === pair?.value;
    default:
      return false;
  }
}

function first(body: Fields, field: string): Fields {
  const list = body[field];
  return fields(Array.isArray(list) ? list[0] : undefined);
}
