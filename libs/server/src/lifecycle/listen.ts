import { once } from 'node:events';
import type { Server } from 'node:net';
import { addressOf, codeOf, messageOf } from '@kvs/protocol';
import { StartError } from '../command-line/start-error.js';

/** Where a listener listens. */
export interface ListenOptions {
  /** A name, or an address without brackets. */
  readonly host: string;
  /** 0 stands for any free port. */
  readonly port: number;
}

/**
 * Listens for the connections of a protocol. Returns the port.
 *
 * @throws StartError that tells why the server can't listen
 */
export async function listen(server: Server, protocol: string, address: ListenOptions): Promise<number> {
  try {
    server.listen(address.port, address.host);
    await once(server, 'listening');
  } catch (error) {
    const reason = LISTEN_FAILURES[codeOf(error) ?? ''] ?? messageOf(error);
    throw new StartError(`cannot listen on ${originOf(protocol, address)}: ${reason}`, { cause: error });
  }
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new TypeError('the server has no TCP address');
  return bound.port;
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'the port needs more rights',
  EADDRNOTAVAIL: 'the host is not an address of this machine',
  ENOTFOUND: 'the host is not known',
};

/** Returns the start of URLs, such as `http://localhost:8080`. */
export function originOf(protocol: string, { host, port }: ListenOptions): string {
  return `${protocol}://${addressOf(host, port)}`;
}
