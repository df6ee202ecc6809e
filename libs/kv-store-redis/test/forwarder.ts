import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** An address that leads to one port and later to another, as that of a load balancer. Open connections stay. */
export class Forwarder {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(public target: number) {
    this.#server = createServer((client) => {
      const upstream = connect(this.target, '127.0.0.1');
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket
          .on('error', () => undefined)
          .on('close', () => [client, upstream].map((each) => each.destroy()));
      }
      client.pipe(upstream).pipe(client);
    });
  }

  static async start(target: number): Promise<Forwarder> {
    const forwarder = new Forwarder(target);
    await once(forwarder.#server.listen(0, '127.0.0.1'), 'listening');
    return forwarder;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the forwarder does not listen');
    return `redis://127.0.0.1:${address.port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }
}
