import { HttpClient, type HttpOptions } from './http/http-client.js';
import { LinkClient } from './link/link-client.js';
import type { LinkOptions } from './link/link-options.js';
import type { Call, CallSink } from './pending-call.js';

/** By what way batches reach a node: its link where it has one and HTTP otherwise, or one of the two only. */
export const NODE_PROTOCOLS = ['auto', 'link', 'http'] as const;
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

/**
 * The link as long as it is open, and HTTP otherwise: so a node that has no link can be used, and one that is back is
 * used at once. An answer over HTTP is the sign to open the link again.
 */
class LinkOrHttp implements Way {
  private readonly link: LinkClient;
  private readonly http: HttpClient;

  constructor(address: string, link: LinkOptions, http: HttpOptions) {
    this.http = new HttpClient(address, http, () => void this.link.hurry());
    this.link = new LinkClient(address, link, (unsent) => {
      for (const call of unsent) this.http.submit(call);
    });
  }

  submit(call: Call): void {
    if (this.link.isOpen) this.link.submit(call);
    else this.http.submit(call);
  }

  close(): void {
    this.link.close();
    this.http.close();
  }
}
