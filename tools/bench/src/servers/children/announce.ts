import type { AddressInfo, Server } from 'node:net';

/** Prints where a server listens, as `ServerProcess` expects it. */
export function announce(server: Server): void {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server has no TCP address');
  process.stdout.write(`listening on http://localhost:${address.port}\n`);
}
