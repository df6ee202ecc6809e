import type { HttpService } from '@nestjs/axios';
import type { ControlPlane } from '@kvs/replication';
import {
  reportAnswerFrom,
  topologyAnswerFrom,
  type BootId,
  type EntryRequest,
  type Knowledge,
  type NodeIdentity,
  type NodeReport,
  type ReportAnswer,
  type TopologyAnswer,
} from '@kvs/topology';
import { firstValueFrom } from 'rxjs';
import { ControlPlaneError } from './control-plane-error.js';

/** What a node knows and is, for its requests. */
export interface Requester extends Knowledge {
  readonly bootId: BootId;
}

/**
 * The requests of a node to the proxies of its cluster. The proxy that answered last is asked first. Each request takes at most
 * {@link TIMEOUT_MS} for each proxy.
 */
export class ControlPlaneClient implements ControlPlane {
  readonly #http: HttpService;
  readonly #requester: () => Requester;
  #proxies: readonly string[];

  /** @param proxies their URLs */
  constructor(http: HttpService, proxies: readonly string[], requester: () => Requester) {
    this.#http = http;
    this.#proxies = proxies;
    this.#requester = requester;
  }

  /** @throws ControlPlaneError also `wrong_store`, `outdated_directory` and `duplicate_node`, as `registerNode` of `@kvs/topology` does */
  join(node: NodeIdentity, sharedStore?: string): Promise<TopologyAnswer> {
    const request = { ...this.#knowledge(), node, sharedStore };
    return this.#ask('POST', '/cluster/nodes', request, topologyAnswerFrom);
  }

  readTopology(): Promise<TopologyAnswer> {
    return this.#ask('GET', '/cluster/topology', undefined, topologyAnswerFrom);
  }

  askForChanges(requests: readonly EntryRequest[]): Promise<TopologyAnswer> {
    const { bootId: by, clusterId, revision } = this.#requester();
    return this.#ask('POST', '/cluster/entries', { clusterId, revision, by, requests }, topologyAnswerFrom);
  }

  async report(id: string, report: Omit<NodeReport, keyof Knowledge>): Promise<ReportAnswer> {
    const path = `/cluster/nodes/${encodeURIComponent(id)}/status`;
    const answer = await this.#ask('POST', path, { ...this.#knowledge(), ...report }, reportAnswerFrom);
    if (answer.leader !== undefined) this.#prefer(answer.leader);
    return answer;
  }

  #knowledge(): Knowledge {
    const { clusterId, revision } = this.#requester();
    return { clusterId, revision };
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, data: unknown, read: (body: unknown) => T): Promise<T> {
    let lastError: unknown;
    for (const proxy of this.#proxies) {
      try {
        const answer = read(await this.#request(proxy, method, path, data));
        this.#prefer(proxy);
        return answer;
      } catch (error) {
        if (error instanceof ControlPlaneError) throw error;
        lastError = error;
      }
    }
    throw new ControlPlaneError(undefined, `no proxy answers ${method} ${path}: ${String(lastError)}`, {
      cause: lastError,
    });
  }

  /** @throws ControlPlaneError if the proxy refuses the request; another error if the next proxy should be asked */
  async #request(proxy: string, method: 'GET' | 'POST', path: string, data: unknown): Promise<unknown> {
    const { status, data: body } = await firstValueFrom(
      this.#http.request<unknown>({
        url: proxy + path,
        method,
        ...(data !== undefined && { data }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        maxRedirects: 0,
        maxContentLength: MAX_ANSWER_BYTES,
        proxy: false, // that of the environment, which does not lead to the cluster
        validateStatus: () => true,
      }),
    );
    if (status >= 200 && status < 300) return body;
    const { code, detail } = problemIn(body);
    const message = `${proxy} refused ${method} ${path} with ${status}: ${detail}`;
    if (status >= 400 && status < 500) throw new ControlPlaneError(code, message);
    throw new Error(message);
  }

  #prefer(proxy: string): void {
    if (this.#proxies[0] === proxy) return;
    this.#proxies = [proxy, ...this.#proxies.filter((other) => other !== proxy)];
  }
}

function problemIn(body: unknown): { readonly code: string | undefined; readonly detail: string } {
  if (typeof body !== 'object' || body === null) return { code: undefined, detail: 'without a reason' };
  const [code, detail]: unknown[] = [Reflect.get(body, 'code'), Reflect.get(body, 'detail')];
  return {
    code: typeof code === 'string' ? code : undefined,
    detail: typeof detail === 'string' ? detail : 'without a reason',
  };
}

export const TIMEOUT_MS = 2000;
const MAX_ANSWER_BYTES = 32 * 1024 ** 2;
