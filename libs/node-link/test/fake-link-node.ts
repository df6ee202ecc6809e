import type { Duplex } from 'node:stream';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { decodeCalls, type DecodedCall } from '../src/codec/calls.js';
import { FrameBuilder } from '../src/codec/frame-builder.js';
import { FrameReader } from '../src/codec/frame-reader.js';
import { FRAME, type FrameType, LINK_TOKEN } from '../src/codec/frame.js';
import { decodeHello, encodeHello, type Hello, type LinkLimits } from '../src/codec/hello.js';
import { BOUNDLESS } from './frames.js';
import { testCodec, type TestMessage } from './peer-codec.js';

export const PEER: LinkLimits = { maxFrameBytes: 2 ** 20, maxCallsInFlight: 100, maxBytesInFlight: 2 ** 20 };

/** The node's end of a link in a test's hand: it says what it is told to, and notes what it hears. */
export class FakeLinkNode {
  readonly builder = new FrameBuilder();
  /** The types of the frames that came. */
  readonly frames: FrameType[] = [];
  readonly calls: DecodedCall[] = [];
  /** The messages that came from a node. */
  readonly messages: TestMessage[] = [];
  /** The hello of the other end. */
  hello: Hello | undefined;
  /** How many links were asked for. */
  attempts = 0;
  /** Handles a connection that asks for a link. */
  onUpgrade: (socket: Duplex) => void = (socket) => this.welcome(socket);
  address = '';
  #socket: Duplex | undefined;
  readonly #sockets = new Set<Duplex>();
  readonly #server: Server = createServer((_, response) => response.writeHead(404).end());

  static async start(): Promise<FakeLinkNode> {
    const node = new FakeLinkNode();
    node.#server.on('connection', (socket) => {
      node.#sockets.add(socket);
      socket.on('close', () => node.#sockets.delete(socket));
    });
    node.#server.on('upgrade', (_, socket) => {
      node.attempts++;
      socket.on('error', () => undefined);
      socket.on('end', () => socket.end());
      node.onUpgrade(socket);
    });
    await new Promise<void>((resolve) => node.#server.listen(0, '127.0.0.1', resolve));
    node.address = `127.0.0.1:${(node.#server.address() as AddressInfo).port}`;
    return node;
  }

  /** Accepts a link. */
  welcome(socket: Duplex, hello: Hello = PEER): void {
    this.#socket = socket;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LINK_TOKEN}\r\n\r\n`);
    socket.write(encodeHello(this.builder, hello));
    const reader = new FrameReader(2 ** 24, (type, cursor) => {
      this.frames.push(type);
      if (type === FRAME.hello) this.hello = decodeHello(cursor);
      if (type === FRAME.calls) this.calls.push(...decodeCalls(cursor, DEFAULT_LIMITS, BOUNDLESS));
      while (type === FRAME.messages && cursor.hasNumbers) this.messages.push(testCodec.read(cursor));
    });
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
  }

  say(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  /** Returns a function that says something over the link that is now the newest. */
  sayTo(): (bytes: Uint8Array) => void {
    const socket = this.#socket;
    return (bytes) => socket?.write(bytes);
  }

  /** Ends the connection of the link. */
  hangUp(): void {
    this.#socket?.destroy();
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
