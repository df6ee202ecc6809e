import type { Buffer } from 'node:buffer';
import { request } from 'node:http';
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PROXY_VIA } from '@kvs/protocol';
import { LOOP_STATUS } from '../loop.js';
import { LINK_PATH, LINK_TOKEN } from './link-token.js';

/**
 * Begins to open a connection to a node, for its link and for HTTP alike: what it returns is not connected yet. For TLS,
 * return what `connect` of `node:tls` does.
 */
export type Connect = (host: string, port: number, options?: ConnectOptions) => Socket;

/** What may be passed on to `connect` of `node:net`, or left out. */
export interface ConnectOptions {
  /** What comes may be read into these buffers, which saves memory. A socket that does so gives no data itself. */
  readonly onread?: OnReadOpts;
}

/** TCP and nothing else. */
export const connectPlain: Connect = (host, port, options) =>
  connectTcp({ ...options, host, port, noDelay: true });

/** What came of asking for a link. */
export interface UpgradeListener {
  /** From now on, the connection is a link. `head` is what has come of it already. */
  upgraded(socket: Duplex, head: Buffer): void;
  /** The node speaks HTTP and does not offer this version of the link. */
  notOffered(status: number | undefined): void;
  /** The address is a proxy's. */
  looped(): void;
  failed(error: Error): void;
}

/**
 * Asks a node, at the port where it serves HTTP, to turn the connection into a link.
 *
 * @returns gives the attempt up; the listener hears nothing more
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
    else once(() => listener.notOffered(response.statusCode));
  });
  asking.on('response', ({ statusCode = 0 }) => {
    if (statusCode === LOOP_STATUS) once(() => listener.looped());
    // A node that has no time for it now may have some later.
    else if (statusCode >= 500) once(() => listener.failed(new Error(`answered ${statusCode}`)));
    else once(() => listener.notOffered(statusCode));
    asking.destroy();
  });
  asking.on('error', (error) => once(() => listener.failed(error)));
  asking.end();
  return () => {
    over = true;
    asking.destroy();
  };
}
