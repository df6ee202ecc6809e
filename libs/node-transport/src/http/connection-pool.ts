import { Pool, type buildConnector } from 'undici';
import type { Connect } from '../link/upgrade-to-link.js';
import type { Timers } from '../ports.js';

/** How connections come about. */
export interface ConnectionOptions {
  readonly connect: Connect;
  readonly timers: Timers;
  /** How long a node may take to accept one, in milliseconds. */
  readonly nodeTimeoutMs: number;
}

/** A pool of kept-alive connections. Time is kept by whoever asks, for undici's own is counted in seconds. */
export function connectionPool(
  address: string,
  connections: number | null,
  options: ConnectionOptions,
): Pool {
  return new Pool(`http://${address}`, {
    connect: connector(options),
    connections,
    pipelining: 1,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** The same `connect` as for the link: where that one is secure, so is this. */
function connector({ connect, timers, nodeTimeoutMs }: ConnectionOptions): buildConnector.connector {
  return ({ hostname, port }, callback) => {
    const socket = connect(hostname, Number(port || 80));
    const cancelTimeout = timers.after(nodeTimeoutMs, () => {
      socket.destroy(coded('ETIMEDOUT', 'it was not accepted in time'));
    });
    let isOver = false;
    const over = (tell: () => void) => (): void => {
      cancelTimeout();
      if (isOver) return;
      isOver = true;
      tell();
    };
    socket.setKeepAlive(true, PROBE_AFTER_MS);
    socket.once(
      'encrypted' in socket ? 'secureConnect' : 'connect',
      over(() => callback(null, socket)),
    );
    socket.on('error', (error) => over(() => callback(error, null))());
    socket.once(
      'close',
      over(() => callback(coded('ECONNRESET', 'it was closed'), null)),
    );
  };
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Shorter than a node keeps them, so that the proxy is the one to close and never writes into a closing one. */
const IDLE_CONNECTION_MS = 30_000;
const PROBE_AFTER_MS = 60_000;
