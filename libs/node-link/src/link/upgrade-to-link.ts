import type { Buffer } from 'node:buffer';
import { request } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERROR_CODES, PROXY_VIA } from '@kvs/protocol';
import { TransportError } from '@kvs/router/transport';
import { LINK_PATH, LINK_TOKEN } from '../codec/frame.js';

/**
 * Begins to open a connection to a node; the returned socket is not connected yet. For TLS, return the result of `connect` of
 * `node:tls`.
 */
export type Connect = (host: string, port: number) => Socket;

/** Opens plain TCP connections. */
export const connectPlain: Connect = (host, port) => connectTcp({ host, port, noDelay: true });

/** The status with which a proxy answers every request of a proxy. */
export const LOOP_STATUS = ERROR_CODES.loop_detected.status;

/** Returns the failure of a call to an address that is a proxy's. */
export function loopError(): TransportError {
  return new TransportError('loop', 'it is a proxy, not a storage node');
}

/** Hears one of these, once. */
export interface UpgradeListener {
  /** The connection is a link. `head` has the bytes that came with the answer. */
  upgraded(socket: Duplex, head: Buffer): void;
  /** The address speaks HTTP and does not offer this version of the link. */
  refused(status: number): void;
  failed(error: Error): void;
}

/**
 * Asks a node, at the port where it serves HTTP, to turn the connection into a link.
 *
 * @returns a function that gives the attempt up; the listener hears nothing more then
 */
export function upgradeToLink(address: string, connect: Connect, listener: UpgradeListener): () => void {
  const { hostname, port } = new URL(`http://${address}`);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  let over = false;
  const once = (tell: () => void): void => {
    if (over) return;
    over = true;
    tell();
  };
  const asking = request({
    host,
    port: Number(port || 80),
    path: LINK_PATH,
    headers: { host: address, connection: 'Upgrade', upgrade: LINK_TOKEN, via: PROXY_VIA },
    createConnection: () => connect(host, Number(port || 80)),
  });
  asking.on('upgrade', (response, socket, head) => {
    const offered = response.headers.upgrade?.toLowerCase() === LINK_TOKEN;
    if (!offered || over) socket.destroy();
    if (offered) once(() => listener.upgraded(socket, head));
    else once(() => listener.refused(response.statusCode ?? 0));
  });
  asking.on('response', ({ statusCode = 0 }) => {
    // A node that is overloaded or shutting down may offer the link later.
    const isTemporary = statusCode >= 500 && statusCode !== LOOP_STATUS;
    if (isTemporary) once(() => listener.failed(new Error(`answered ${statusCode}`)));
    else once(() => listener.refused(statusCode));
    asking.destroy();
  });
  asking.on('error', (error) => once(() => listener.failed(error)));
  asking.end();
  return () => {
    over = true;
    asking.destroy();
  };
}
