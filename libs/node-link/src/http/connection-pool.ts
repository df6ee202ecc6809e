import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Pool, type buildConnector } from 'undici';
import type { Connect, ConnectOptions } from '../link/upgrade-to-link.js';
import type { Timers } from '../ports.js';
import type { ReadBuffers } from './read-buffers.js';
import { RecyclingSocket } from './recycling-socket.js';

/** How connections come about. */
export interface ConnectionOptions {
  readonly connect: Connect;
  readonly timers: Timers;
  /** How long a node may take to accept one, in milliseconds. */
  readonly nodeTimeoutMs: number;
}

/** The connections of one pool, as far as it differs from others to the node. */
export interface PoolOptions {
  /** Most of them; null for no limit. */
  readonly connections: number | null;
  /** Longest body of an answer: beyond it, the connection is cut. Default: no limit. */
  readonly maxBodyBytes?: number;
  /** What answers are read into, for requests that all hold the pieces that they get. */
  readonly readBuffers?: ReadBuffers;
}

/** A pool of kept-alive connections. Time is kept by whoever asks, because undici's own is counted in seconds. */
export function connectionPool(
  address: string,
  options: ConnectionOptions,
  { connections, maxBodyBytes = NO_LIMIT, readBuffers }: PoolOptions,
): Pool {
  return new Pool(`http://${address}`, {
    connect: connector(options, readBuffers),
    connections,
    pipelining: 1,
    maxResponseSize: maxBodyBytes,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    keepAliveMaxTimeout: IDLE_CONNECTION_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** The same `connect` as for the link: where that one is secure, so is this. */
function connector(
  { connect, timers, nodeTimeoutMs }: ConnectionOptions,
  readBuffers: ReadBuffers | undefined,
): buildConnector.connector {
  return ({ hostname, port }, callback) => {
    const open = (options?: ConnectOptions): Socket => connect(hostname, Number(port || 80), options);
    const recycling = readBuffers && new RecyclingSocket(readBuffers, (onread) => open({ onread }));
    const socket = recycling?.socket ?? open();
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
      over(() => callback(null, recycling?.isUsable ? asSocket(recycling.begin()) : socket)),
    );
    socket.on('error', (error) => over(() => callback(error, null))());
    socket.once(
      'close',
      over(() => callback(coded('ECONNRESET', 'it was closed'), null)),
    );
  };
}

/** Of a socket, undici uses what all streams have, and `ref` and `unref`. */
function asSocket(stream: RecyclingSocket): Socket {
  return stream as Duplex as Socket;
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Shorter than a node keeps them, so that the proxy is the one to close and never writes into a closing one. */
const IDLE_CONNECTION_MS = 30_000;
/** As undici has it. */
const NO_LIMIT = -1;
const PROBE_AFTER_MS = 60_000;
