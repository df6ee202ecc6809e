import { isSystemError } from '@kvs/server';
import { LOOP_STATUS, loopError, readStats } from '@kvs/node-link';
import { PROXY_VIA } from '@kvs/protocol';
import { TransportError, type NodeStats } from '@kvs/router';
import type { HttpService } from '@nestjs/axios';
import type { LoopedNodes } from './looped-nodes.js';

/**
 * Asks a node for its state, and notes whether it is a storage node.
 *
 * @throws TransportError
 */
export async function fetchStats(
  http: HttpService,
  address: string,
  timeoutMs: number,
  loops: LoopedNodes,
): Promise<NodeStats> {
  const timer = AbortSignal.timeout(timeoutMs);
  try {
    const { status, data } = await http.axiosRef.request<string>({
      url: `http://${address}/stats`,
      signal: timer,
      responseType: 'text',
      headers: { via: PROXY_VIA },
      // What the node says is read here, not guessed at: no status is an error, and no body is parsed for us.
      validateStatus: () => true,
      transformResponse: (body: unknown) => body,
      decompress: false,
      maxContentLength: MAX_STATS_BYTES,
      maxRedirects: 0,
      // A node is never behind the proxy that the environment names for the web.
      proxy: false,
    });
    const stats = status === 200 ? readStats(data) : undefined;
    if (stats) {
      loops.delete(address);
      return stats;
    }
    if (status === LOOP_STATUS) {
      loops.add(address);
      throw loopError();
    }
    throw new TransportError('refused', `answered ${status} to a request for its state`);
  } catch (error) {
    if (error instanceof TransportError) throw error;
    if (timer.aborted)
      throw new TransportError('timeout', `no answer within ${timeoutMs} ms`, { cause: error });
    if (!isSystemError(error)) throw error; // no failure of the network: a defect
    if (error.code === BAD_RESPONSE) throw badResponse(error);
    throw new TransportError('unconnected', `no connection (${error.code})`, { cause: error });
  }
}

/** An engine's name and a number: a longer answer is none. */
const MAX_STATS_BYTES = 4096;

/** axios uses one code for a response that is too long and for one that breaks off; only the message tells them apart. */
const BAD_RESPONSE = 'ERR_BAD_RESPONSE';

function badResponse(error: Error): TransportError {
  return error.message.startsWith('maxContentLength')
    ? new TransportError('refused', 'its state is too long', { cause: error })
    : new TransportError('broken', 'the connection broke while the node answered', { cause: error });
}
