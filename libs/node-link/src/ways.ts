import { HttpClient, type HttpOptions } from './http/http-client.js';
import { LinkClient } from './link/link-client.js';
import type { LinkOptions } from './link/link-options.js';
import { LinkOrHttp } from './link-or-http.js';
import type { CallSink } from './pending-call.js';

/** By what way batches reach a node: its link where it has one and HTTP otherwise, or one of the two only. */
export const NODE_PROTOCOLS = ['auto', 'link', 'http'] as const;
/** One of {@link NODE_PROTOCOLS}. */
export type NodeProtocol = (typeof NODE_PROTOCOLS)[number];

/** A way, or several, to one node. */
export interface Way extends CallSink {
  close(): void;
}

export function openWay(
  protocol: NodeProtocol,
  address: string,
  options: { readonly link: LinkOptions; readonly http: HttpOptions },
): Way {
  switch (protocol) {
    case 'link':
      return new LinkClient(address, options.link);
    case 'http':
      return new HttpClient(address, options.http);
    case 'auto':
      return new LinkOrHttp(address, options.link, options.http);
  }
}
