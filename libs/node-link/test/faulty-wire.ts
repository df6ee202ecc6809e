import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP connection's way to a node, which can be made to fail. */
export class FaultyWire {
  address = '';
  /** Handles the next bytes of the node, once. Afterwards the wire passes bytes again. */
  nextAnswer: ((bytes: Buffer, toClient: Socket) => void) | undefined;
  #stalled = false;
  readonly #sockets = new Set<Socket>();
  readonly #fromNode = new Set<Socket>();
  readonly #server: Server;

  private constructor(nodePort: () => number) {
    this.#server = createServer((client) => {
      const node = connect(nodePort(), '127.0.0.1');
      this.#keep(client, node);
      this.#keep(node, client);
      this.#fromNode.add(node);
      if (this.#stalled) node.pause();
      client.on('data', (bytes) => node.write(bytes));
      node.on('data', (bytes: Buffer) => {
        const fault = this.nextAnswer;
        this.nextAnswer = undefined;
        if (fault) fault(bytes, client);
        else client.write(bytes);
      });
      client.on('end', () => node.end());
      node.on('end', () => client.end());
    });
  }

  /** @param nodePort asked for each connection */
  static async open(nodePort: () => number): Promise<FaultyWire> {
    const wire = new FaultyWire(nodePort);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    wire.address = `127.0.0.1:${(wire.#server.address() as AddressInfo).port}`;
    return wire;
  }

  /** Half of the next answer arrives, and then the connection is cut. */
  cutNextAnswer(): void {
    this.nextAnswer = (bytes, client) => {
      client.write(bytes.subarray(0, bytes.length >> 1), () => client.destroy());
    };
  }

  /** In place of the next answer, there are bytes that mean nothing. */
  garbleNextAnswer(): void {
    this.nextAnswer = (bytes, client) => {
      client.write(Buffer.alloc(bytes.length, 0xfe));
    };
  }

  /** Nothing that the node says arrives, but everything that it is told. */
  stall(): void {
    this.#stalled = true;
    for (const node of this.#fromNode) node.pause();
  }

  resume(): void {
    this.#stalled = false;
    for (const node of this.#fromNode) node.resume();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#fromNode.delete(socket);
      other.destroy();
    });
  }
}
