/** The name of a proxy in `Via`. */
const PROXY = 'kvs-proxy';

/** The `Via` header of every request for a link (RFC 9110, section 7.6.3). Requests of the control plane have none. */
export const PROXY_VIA = `1.1 ${PROXY}`;

/** Returns whether a proxy of kvs sent or forwarded the request that has this `Via` header. */
export function isFromProxy(via: string | undefined): boolean {
  return via !== undefined && via.split(',').some((hop) => hop.trim().split(/\s+/, 2)[1] === PROXY);
}
