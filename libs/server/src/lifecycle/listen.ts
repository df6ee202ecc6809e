import { once } from 'node:events';
import type { Server } from 'node:net';
import { isSystemError } from '../system-error.js';
import { StartError } from '../command-line/start-error.js';

export interface ListenOptions {
  readonly host: string;
  /** 0 asks for any free one. */
  readonly port: number;
}

/**
 * @returns the port
 * @throws StartError saying what keeps the server from listening
 */
export async function listen(server: Server, { host, port }: ListenOptions): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = LISTEN_FAILURES[error.code] ?? error.message;
    throw new StartError(`cannot listen on ${origin(host, port)}: ${reason}`, { cause: error });
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no TCP address');
  return address.port;
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'the port needs more rights',
  EADDRNOTAVAIL: 'the host is not an address of this machine',
  ENOTFOUND: 'the host is not known',
};

export function origin(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
