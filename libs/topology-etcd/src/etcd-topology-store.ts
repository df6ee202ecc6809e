import { KvsError } from '@kvs/protocol';
import {
  LEAD_FOR_MS,
  topologyFromJson,
  topologyToJson,
  type Topology,
  type TopologyStore,
} from '@kvs/topology';
import {
  EtcdGateway,
  fields,
  fromBase64,
  text,
  toBase64,
  type EtcdUser,
  type Fields,
} from './etcd-gateway.js';

export interface EtcdOptions {
  /** URLs of servers of one etcd cluster, each `http` or `https`. */
  readonly endpoints: readonly string[];
  /** The first part of the keys. Clusters of kvs that share an etcd have different ones. */
  readonly prefix: string;
  /** If etcd has authentication: a user who may read and write the keys with the prefix. */
  readonly user?: EtcdUser;
  /** How long a server of etcd may take to answer, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
}

/** A document, and the revision of etcd in which it was written. */
interface Written {
  readonly topology: Topology;
  readonly modRevision: string;
}

/**
 * Keeps the topology as one value of etcd. Reads are linearizable, which is etcd's default. A change is a transaction that
 * compares in which revision of etcd the value was written, so that a late change never replaces a newer document.
 */
export class EtcdTopologyStore implements TopologyStore {
  readonly #gateway: EtcdGateway;
  readonly #key: string;
  readonly #leaderKey: string;
  readonly #listeners = new Set<() => void>();
  #written: Written | undefined;
  #lease: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Whether a stream is open, or will soon be opened again. */
  #isFollowing = false;
  #isClosed = false;

  /** @throws TypeError if there is no endpoint, or if one is no URL */
  constructor({ endpoints, prefix, user, timeoutMs = 2000 }: EtcdOptions) {
    if (endpoints.length === 0) throw new TypeError('etcd needs an endpoint');
    this.#gateway = new EtcdGateway(
      endpoints.map((endpoint) => new URL(endpoint)),
      timeoutMs,
      user,
    );
    this.#key = toBase64(`${prefix}/topology`);
    this.#leaderKey = toBase64(`${prefix}/leader`);
  }

  async read(): Promise<Topology | undefined> {
    this.#assertOpen();
    // Proxies read every second, and the value is large. Without it, the read is linearizable too.
    const isKeyEnough = this.#written !== undefined;
    let found = await this.#find(isKeyEnough);
    if (isKeyEnough && found?.['mod_revision'] !== this.#written?.modRevision)
      found = await this.#find(false);
    if (found === undefined) return (this.#written = undefined);
    const modRevision = text(found, 'mod_revision');
    if (this.#written?.modRevision === modRevision) return this.#written.topology;
    const topology = topologyFromJson(
      fromBase64(text(found, 'value')),
      `the key ${fromBase64(this.#key)} of etcd`,
    );
    this.#written = { topology, modRevision };
    return topology;
  }

  async replace(next: Topology): Promise<boolean> {
    this.#assertOpen();
    const value = topologyToJson(next);
    const bytes = Buffer.byteLength(value);
    if (bytes > MAX_VALUE_BYTES) {
      throw new KvsError('store_unavailable', `the topology has ${bytes} bytes, which is too much for etcd`);
    }
    if ((this.#written?.topology.revision ?? 0) !== next.revision - 1) await this.read();
    const before = this.#written;
    if ((before?.topology.revision ?? 0) !== next.revision - 1) return false;
    // A second server may carry the transaction out again: then the revision is another one already.
    const answer = await this.#gateway.askEach('/v3/kv/txn', {
      compare: [{ target: 'MOD', key: this.#key, result: 'EQUAL', mod_revision: before?.modRevision ?? '0' }],
      success: [{ request_put: { key: this.#key, value: toBase64(value) } }],
    });
    if (answer['succeeded'] !== true) return false;
    const modRevision = text(fields(answer['header']), 'revision');
    this.#written = { topology: next, modRevision };
    return true;
  }

  watch(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    if (!this.#isFollowing) void this.#follow();
    return () => void this.#listeners.delete(own);
  }

  async claimLead(name: string, deposed?: string): Promise<string> {
    this.#assertOpen();
    const lease = (await this.#keepLease()) ?? (await this.#newLease());
    const key = this.#leaderKey;
    const leadIf = (comparison: Fields): Promise<Fields> =>
      this.#gateway.askOne('/v3/kv/txn', {
        compare: [{ key, result: 'EQUAL', ...comparison }],
        success: [{ request_put: { key, value: toBase64(name), lease } }],
        failure: [{ request_range: { key } }],
      });
    if (deposed !== undefined) {
      const { succeeded } = await leadIf({ target: 'VALUE', value: toBase64(deposed) });
      if (succeeded === true) return name;
    }
    // Create revision 0 means that the key is absent.
    const answer = await leadIf({ target: 'CREATE', create_revision: '0' });
    if (answer['succeeded'] === true) return name;
    const [response] = listOf(answer, 'responses');
    const leader = firstPair(fields(fields(response)['response_range']));
    if (leader === undefined)
      throw new KvsError(
        'store_unavailable',
        'etcd refused a claim to lead, but names no process that leads',
      );
    return fromBase64(text(leader, 'value'));
  }

  async resignLead(): Promise<void> {
    this.#assertOpen();
    await this.#endLease();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#retry);
    await this.#endLease().catch(() => undefined);
    this.#gateway.close();
  }

  async #find(keysOnly: boolean): Promise<Fields | undefined> {
    return firstPair(await this.#gateway.askEach('/v3/kv/range', { key: this.#key, keys_only: keysOnly }));
  }

  async #endLease(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    await this.#gateway.askOne('/v3/lease/revoke', { ID: lease });
  }

  /** Returns the lease if etcd still has it. */
  async #keepLease(): Promise<string | undefined> {
    if (this.#lease === undefined) return undefined;
    const answer = await this.#gateway.askOne('/v3/lease/keepalive', { ID: this.#lease });
    const left = Number(text(fields(answer['result']), 'TTL'));
    return left > 0 ? this.#lease : undefined;
  }

  async #newLease(): Promise<string> {
    const answer = await this.#gateway.askOne('/v3/lease/grant', { TTL: LEAD_FOR_MS / 1000 });
    return (this.#lease = text(answer, 'ID'));
  }

  /** Follows the changes of the value as long as anybody listens. After a failure it begins again. */
  async #follow(): Promise<void> {
    this.#isFollowing = true;
    const tell = () => {
      for (const listener of this.#listeners) listener();
    };
    try {
      // The first part of the stream says that it has begun. What changed before that may have been missed.
      await this.#gateway.follow('/v3/watch', { create_request: { key: this.#key } }, tell);
    } catch (error) {
      if (!(error instanceof KvsError)) throw error;
    }
    this.#isFollowing = !this.#isClosed && this.#listeners.size > 0;
    if (this.#isFollowing) this.#retry = setTimeout(() => void this.#follow(), RETRY_MS).unref();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KvsError('store_unavailable', 'the topology store is closed');
  }
}

/** Returns the pair of an answer to a range of one key. */
function firstPair(answer: Fields): Fields | undefined {
  const [pair] = listOf(answer, 'kvs');
  return pair === undefined ? undefined : fields(pair);
}

function listOf(object: Fields, field: string): readonly unknown[] {
  const value = object[field];
  return Array.isArray(value) ? value : [];
}

/**
 * etcd refuses requests above 1.5 MiB. A topology takes some 100 KB: 4,096 entries of about 20 bytes, and some 200 bytes for each
 * node. So one value is enough.
 */
const MAX_VALUE_BYTES = 1_400_000;
/** How long after the end of a stream the next one begins. */
export const RETRY_MS = 1000;
