import { isSystemError } from '@kvs/http-api';
import { readStats } from '@kvs/node-transport';
import { TransportError, type NodeStats } from '@kvs/router';
import type { HttpService } from '@nestjs/axios';

/**
 * Asks a node for its state.
 *
 * @throws TransportError
 */
export async function fetchStats(http: HttpService, address: string, timeoutMs: number): Promise<NodeStats> {
  const timer = AbortSignal.timeout(timeoutMs);
  try {
    const { status, data } = await http.axiosRef.request<string>({
      url: `http://${address}/stats`,
      signal: timer,
      responseType: 'text',
      // What the node says is read here, not guessed at: no status is an error, and no body is parsed for us.
      validateStatus: () => true,
      transformResponse: (body: unknown) => body,
      decompress: false,
      maxRedirects: 0,
      // A node is never behind the proxy that the environment names for the web.
      proxy: false,
    });
    const stats = status === 200 ? readStats(data) : undefined;
    if (stats) return stats;
    throw new TransportError('refused', `answered ${status} to a request for its state`);
  } catch (error) {
    if (error instanceof TransportError) throw error;
    if (timer.aborted)
      throw new TransportError('timeout', `no answer within ${timeoutMs} ms`, { cause: error });
    if (!isSystemError(error)) throw error; // no failure of the network: a defect
    throw new TransportError('unconnected', `no connection (${error.code})`, { cause: error });
  }
}
