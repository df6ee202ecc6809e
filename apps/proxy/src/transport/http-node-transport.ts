import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import { isSystemError } from '@kvs/http-api';
import {
  encodePartitions,
  PARTITIONS_HEADER,
  PROBLEM_MEDIA_TYPE,
  type DeleteItem,
  type DeleteOutcome,
  type FetchOutcome,
  type Key,
  type QueryOutcome,
  type ScanRequest,
  type SetItem,
  type SetOutcome,
  type WireSetItem,
} from '@kvs/protocol';
import { TransportError, type NodeScan, type NodeStats, type NodeTransport } from '@kvs/router';
import type { HttpService } from '@nestjs/axios';
import type { AxiosRequestConfig, AxiosResponse } from 'axios';
import { readLines } from './node-lines.js';
import {
  readDeleteOutcomes,
  readFetchOutcomes,
  readProblem,
  readQueryOutcomes,
  readSetOutcomes,
  readStats,
  type NodeAnswer,
} from './node-answers.js';

export interface HttpNodeTransportOptions {
  /** How long the node may take to answer a batch, or to send the next part of a scan, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** Most connections for batches. */
  readonly nodeConnections: number;
}

/** Shorter than a node keeps them, so that the proxy is the one to close and never writes into a closing one. */
const IDLE_CONNECTION_MS = 30_000;

/** An array comes sooner to a client that wants one: a node writes the commas at no cost. */
const SCAN_TYPES = { lines: 'application/x-ndjson', items: 'application/json' } as const;

/** Speaks to a node as any client does: JSON over kept-alive HTTP connections. */
export class HttpNodeTransport implements NodeTransport {
  private readonly batches: Agent;
  private readonly scans: Agent;

  constructor(
    private readonly http: HttpService,
    private readonly address: string,
    private readonly options: HttpNodeTransportOptions,
  ) {
    const { nodeConnections: maxSockets } = options;
    this.batches = new Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS, maxSockets });
    this.scans = new Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
  }

  async set(items: readonly SetItem[]): Promise<readonly SetOutcome[]> {
    return readSetOutcomes(await this.send('PUT', '/set?meta=true', items.map(wireSetItem)), items.length);
  }

  async fetch(keys: readonly Key[]): Promise<readonly FetchOutcome[]> {
    return readFetchOutcomes(await this.send('POST', '/fetch?meta=true', keys), keys);
  }

  async query(keys: readonly Key[]): Promise<readonly QueryOutcome[]> {
    return readQueryOutcomes(await this.send('POST', '/query', keys), keys);
  }

  async delete(items: readonly DeleteItem[]): Promise<readonly DeleteOutcome[]> {
    const wire = items.map(({ key, ifVersion }) =>
      ifVersion === undefined ? key : { key, if_version: ifVersion },
    );
    return readDeleteOutcomes(await this.send('POST', '/delete?meta=true', wire), items.length);
  }

  async scan({ prefix, partitions, meta, format = 'lines' }: ScanRequest): Promise<NodeScan> {
    const query = new URLSearchParams({ meta: String(meta) });
    if (prefix) {
      query.set('prefix', prefix.data);
      query.set('encoding', prefix.encoding);
    }
    const type = SCAN_TYPES[format];
    const response = await this.request<Readable>({
      url: `/fetch?${query}`,
      responseType: 'stream',
      httpAgent: this.scans,
      headers: {
        accept: type,
        ...(partitions ? { [PARTITIONS_HEADER]: encodePartitions(partitions) } : undefined),
      },
    });
    if (response.status !== 200 || !hasType(response, type)) {
      response.data.destroy();
      throw new TransportError('refused', `answered ${response.status} to a scan`);
    }
    return {
      lines: readLines(response.data, this.options.nodeTimeoutMs, format),
      format,
      close: () => void response.data.destroy(),
    };
  }

  async stats(): Promise<NodeStats> {
    const { status, data } = await this.request<string>({ url: '/stats', httpAgent: this.batches });
    const stats = status === 200 ? readStats(data) : undefined;
    if (stats) return stats;
    throw new TransportError('refused', `answered ${status} to a request for its state`);
  }

  close(): void {
    this.batches.destroy();
    this.scans.destroy();
  }

  private async send(method: string, url: string, body: readonly unknown[]): Promise<NodeAnswer> {
    const response = await this.request<string>({
      method,
      url,
      httpAgent: this.batches,
      headers: { 'content-type': 'application/json' },
      data: JSON.stringify(body),
    });
    return hasType(response, PROBLEM_MEDIA_TYPE) ? readProblem(this.address, response.data) : response.data;
  }

  private async request<T>(config: AxiosRequestConfig): Promise<AxiosResponse<T>> {
    const { nodeTimeoutMs } = this.options;
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), nodeTimeoutMs);
    try {
      return await this.http.axiosRef.request<T>({
        responseType: 'text',
        ...config,
        baseURL: `http://${this.address}`,
        signal: timer.signal,
        // What the node says is read here, not guessed at: no status is an error, and no body is parsed for us.
        validateStatus: () => true,
        transformRequest: (data: unknown) => data,
        transformResponse: (data: unknown) => data,
        decompress: false,
        maxRedirects: 0,
        // No limit. Any limit on the content, Infinity too, has axios put a stream of its own around the answer, one
        // that neither ends nor lets go of the connection when it is destroyed while it waits for the node.
        maxBodyLength: -1,
        maxContentLength: -1,
        // A node is never behind the proxy that the environment names for the web.
        proxy: false,
      });
    } catch (error) {
      if (timer.signal.aborted) {
        throw new TransportError('timeout', `no answer within ${nodeTimeoutMs} ms`, { cause: error });
      }
      throw transportError(error);
    } finally {
      clearTimeout(timeout);
    }
  }
}

function hasType({ headers }: AxiosResponse, type: string): boolean {
  return String(headers['content-type']).startsWith(type);
}

function wireSetItem({ key, value, ttlMs, ifVersion }: SetItem): WireSetItem {
  return {
    key,
    value,
    ...(ttlMs === undefined ? undefined : { ttl_ms: ttlMs }),
    ...(ifVersion === undefined ? undefined : { if_version: ifVersion }),
  };
}

/** System errors that mean that no connection came about, and so that nothing was sent. */
const UNCONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

function transportError(error: unknown): TransportError {
  if (!isSystemError(error)) throw error; // no failure of the network: a defect
  const { code } = error;
  if (UNCONNECTED.has(code))
    return new TransportError('unconnected', `no connection (${code})`, { cause: error });
  return new TransportError('broken', `the connection broke (${code})`, { cause: error });
}
