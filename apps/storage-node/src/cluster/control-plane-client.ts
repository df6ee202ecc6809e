import type { HttpService } from '@nestjs/axios';
import { codeOf, messageOf, type ErrorCode } from '@kvs/protocol';
import type { ControlPlane } from '@kvs/replication';
import {
  MAX_NEWS_WAIT_MS,
  reportAnswerFrom,
  topologyAnswerFrom,
  type BootId,
  type EntryRequest,
  type NodeIdentity,
  type ReportAnswer,
  type SenderKnowledge,
  type TopologyAnswer,
} from '@kvs/topology';
import type { AxiosResponse } from 'axios';
import { firstValueFrom } from 'rxjs';
import type { OwnReport } from './cluster-role.js';
import { ControlPlaneError } from './control-plane-error.js';

/** What a node knows and is, for its requests. */
export interface Requester extends SenderKnowledge {
  readonly bootId: BootId;
}

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly data?: unknown;
  /** When the request to one proxy ends without an answer. Default: after {@link TIMEOUT_MS}. */
  readonly until?: { readonly timeout: number; readonly signal: AbortSignal };
}

/**
 * The requests of a node to the proxies of its cluster. The proxy that answered last is asked first. Reports go to the proxy that
 * leads, and otherwise to the first of the given ones that answers. Each request takes at most {@link TIMEOUT_MS} for each proxy,
 * and one that waits for a newer topology {@link MAX_NEWS_WAIT_MS} more. So the client forgets proxies of which it learned long ago:
 * their URLs may change with each deployment.
 */
export class ControlPlaneClient implements ControlPlane {
  readonly #http: HttpService;
  readonly #requester: () => Requester;
  readonly #given: ReadonlySet<string>;
  /** In the order in which they are asked. */
  #proxies: readonly string[];
  /** The proxy that leads, which is of use for reports only. If it does not answer, other requests don't wait for it. */
  #leader: string | undefined;

  /** @param proxies the URLs of those that the client always keeps */
  constructor(http: HttpService, proxies: readonly string[], requester: () => Requester) {
    this.#http = http;
    this.#given = new Set(proxies);
    this.#proxies = proxies;
    this.#requester = requester;
  }

  /** Asks this proxy too. It comes second, because it runs, and the others may be gone. */
  add(proxy: string): void {
    const [preferred = proxy, ...others] = this.#proxies;
    this.#arrange([preferred, proxy, ...others]);
  }

  /** @throws ControlPlaneError also `wrong_store`, `outdated_directory` and `duplicate_node`, as `registerNode` of `@kvs/topology` does */
  join(node: NodeIdentity, sharedStore?: string): Promise<TopologyAnswer> {
    const data = { ...this.#knowledge(), node, sharedStore };
    return this.#ask({ method: 'POST', path: '/cluster/nodes', data }, this.#readTopology);
  }

  readTopology(): Promise<TopologyAnswer> {
    return this.#ask({ method: 'GET', path: '/cluster/topology' }, this.#readTopology);
  }

  /**
   * Resolves with a topology of a higher revision as soon as a proxy knows one; with undefined if none comes for some seconds.
   *
   * @param ended aborts the request
   */
  async newerTopology(revision: number, ended: AbortSignal): Promise<TopologyAnswer | undefined> {
    const until = { timeout: MAX_NEWS_WAIT_MS + TIMEOUT_MS, signal: ended };
    const path = `/cluster/topology?after=${revision}`;
    const read = (body: unknown) => (body === '' ? undefined : this.#readTopology(body));
    // Other requests prefer the proxy that they found meanwhile.
    return (await this.#askAll({ method: 'GET', path, until }, read)).answer;
  }

  askForChanges(requests: readonly EntryRequest[]): Promise<TopologyAnswer> {
    const { bootId: by, clusterId, revision } = this.#requester();
    const data = { clusterId, revision, by, requests };
    return this.#ask({ method: 'POST', path: '/cluster/entries', data }, this.#readTopology);
  }

  async report(id: string, report: OwnReport): Promise<ReportAnswer> {
    const path = `/cluster/nodes/${encodeURIComponent(id)}/status`;
    const data = { ...this.#knowledge(), ...report };
    const leader = this.#leader === undefined ? [] : [this.#leader];
    // Nodes that don't reach the leader meet at one proxy. A proxy takes the lead only if it hears most nodes.
    const order = [...new Set([...leader, ...this.#given, ...this.#proxies])];
    const { answer, proxy } = await this.#askAll({ method: 'POST', path, data }, reportAnswerFrom, order);
    if (proxy !== this.#leader) this.#prefer(proxy);
    this.#leader = answer.leader ?? proxy;
    this.add(this.#leader);
    return answer;
  }

  #knowledge(): SenderKnowledge {
    const { clusterId, revision } = this.#requester();
    return { clusterId, revision };
  }

  /** A proxy may have been started with the store of another cluster. */
  readonly #readTopology = (body: unknown): TopologyAnswer => {
    const answer = topologyAnswerFrom(body);
    const { clusterId = answer.topology.clusterId } = this.#requester();
    if (answer.topology.clusterId === clusterId) return answer;
    throw new Error(`the answer is the topology of the cluster ${answer.topology.clusterId}`);
  };

  async #ask<T>(request: Request, read: (body: unknown) => T): Promise<T> {
    const { answer, proxy } = await this.#askAll(request, read);
    this.#prefer(proxy);
    return answer;
  }

  /** Asks one proxy after the other until one answers. */
  async #askAll<T>(
    request: Request,
    read: (body: unknown) => T,
    proxies = this.#proxies,
  ): Promise<{ readonly answer: T; readonly proxy: string }> {
    let cause: unknown;
    let hasNoListener = true;
    for (const proxy of proxies) {
      try {
        return { answer: read(await this.#request(proxy, request)), proxy };
      } catch (error) {
        if (error instanceof ControlPlaneError && VERDICTS.has(error.code)) throw error;
        hasNoListener &&= NO_LISTENER.has(codeOf(error));
        // A refusal says more than a connection that failed.
        if (!(cause instanceof ControlPlaneError)) cause = error;
      }
    }
    const message = `no proxy answers ${request.method} ${request.path}: ${messageOf(cause)}`;
    throw new ControlPlaneError(undefined, message, { cause, hasNoListener });
  }

  /** @throws ControlPlaneError if the proxy refuses the request */
  async #request(proxy: string, request: Request): Promise<unknown> {
    const { status, data: body } = await this.#send(proxy, request);
    if (status >= 200 && status < 300) return body;
    const { code, detail } = problemIn(body);
    const problem = code === undefined ? status : `${status} ${code}`;
    throw new ControlPlaneError(code, `${proxy} refused with ${problem}: ${detail}`);
  }

  async #send(proxy: string, { method, path, data, until }: Request): Promise<AxiosResponse<unknown>> {
    const limit = until ?? { signal: AbortSignal.timeout(TIMEOUT_MS) };
    try {
      return await firstValueFrom(
        this.#http.request<unknown>({
          url: proxy + path,
          method,
          ...(data !== undefined && { data }),
          ...limit,
          maxRedirects: 0,
          maxContentLength: MAX_ANSWER_BYTES,
          proxy: false, // that of the environment, which does not lead to the cluster
          validateStatus: () => true,
        }),
      );
    } catch (error) {
      if (until !== undefined || !limit.signal.aborted) throw error;
      throw new Error(`${proxy} gave no answer within ${TIMEOUT_MS} ms`, { cause: error });
    }
  }

  #prefer(proxy: string): void {
    if (this.#proxies[0] !== proxy) this.#arrange([proxy, ...this.#proxies]);
  }

  /** A proxy stays where it comes first. Of those that the client learned of, the first {@link MAX_LEARNED} stay. */
  #arrange(order: readonly string[]): void {
    let learned = 0;
    this.#proxies = [...new Set(order)].filter((proxy) => this.#given.has(proxy) || ++learned <= MAX_LEARNED);
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

/** Refusals that follow from the topology, which the proxies of a cluster share. Others say something about one proxy only. */
const VERDICTS: ReadonlySet<string | undefined> = new Set<ErrorCode>([
  'unknown_node',
  'duplicate_node',
  'wrong_store',
  'outdated_directory',
]);
/** The codes of a connection to a URL at which no process listens, or whose name is gone together with its process. */
const NO_LISTENER: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOTFOUND']);
export const TIMEOUT_MS = 2000;
/** The URLs of a deployment or two. */
const MAX_LEARNED = 8;
const MAX_ANSWER_BYTES = 32 * 1024 ** 2;
