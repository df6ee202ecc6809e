import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Returns the first of `count` consecutive ports that were free a moment ago. No system gives them to clients: those have the
 * ports from 32768 at Linux, from 49152 elsewhere. The same holds for the ports 10,000 above, which a server of a Redis Cluster
 * takes too.
 */
export async function freePorts(count: number, host = 'localhost'): Promise<number> {
  for (;;) {
    const base = randomInt(15_000, 22_768 - count);
    const ports = Array.from({ length: count }, (_, i) => base + i);
    const areFree = await Promise.all(ports.map((port) => isPortFree(port, host)));
    if (areFree.every(Boolean)) return base;
  }
}

export function isPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(port, host, () => probe.close(() => resolve(true)));
  });
}
