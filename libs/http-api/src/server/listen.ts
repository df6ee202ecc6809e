import { once } from 'node:events';
import type { Server } from 'node:net';
import { isSystemError } from '../system-error.js';

export interface ListenOptions {
  /** For messages on stderr. */
  readonly name: string;
  readonly host: string;
  /** 0 asks for any free one. */
  readonly port: number;
}

/** @returns the port; what keeps the server from listening ends the process, with one line on stderr and exit code 1 */
export async function listenOrExit(server: Server, { name, host, port }: ListenOptions): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = LISTEN_FAILURES[error.code] ?? error.message;
    process.stderr.write(`${name}: cannot listen on ${origin(host, port)}: ${reason}\n`);
    process.exit(1);
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
