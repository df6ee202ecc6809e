import { explainByStatus, LINK_TOKEN, LOOP_STATUS, MAX_STATS_BYTES, readStats } from '@kvs/node-link';
import { PROXY_VIA } from '@kvs/protocol';
import { TransportError } from '@kvs/router';
import { httpService } from './http-service.js';

/**
 * Finds out why an address refuses the link: it is a proxy, a storage node with another version of the link, or no server of
 * kvs. Asks the address for its statistics over HTTP, unless the status tells. Never rejects.
 *
 * @param status of the answer to the request for a link
 */
export async function refusalReason(
  address: string,
  status: number,
  timeoutMs: number,
): Promise<TransportError> {
  if (status === LOOP_STATUS) return explainByStatus(address, status);
  const { axiosRef } = await httpService();
  try {
    const answer = await axiosRef.request<string>({
      url: `http://${address}/stats`,
      signal: AbortSignal.timeout(timeoutMs),
      responseType: 'text',
      headers: { via: PROXY_VIA },
      // No status is an error, and axios parses no body.
      validateStatus: () => true,
      transformResponse: (body: unknown) => body,
      decompress: false,
      maxContentLength: MAX_STATS_BYTES,
      maxRedirects: 0,
      // A node is never behind the proxy that the environment names for the web.
      proxy: false,
    });
    if (answer.status === LOOP_STATUS) return explainByStatus(address, answer.status);
    const isNode = answer.status === 200 && readStats(answer.data) !== undefined;
    return new TransportError('unconnected', isNode ? OTHER_VERSION : NO_NODE);
  } catch (error) {
    return new TransportError('unconnected', NO_NODE, { cause: error });
  }
}

const OTHER_VERSION = `it is a storage node of another version, without ${LINK_TOKEN}`;
const NO_NODE = 'it is not a storage node';
