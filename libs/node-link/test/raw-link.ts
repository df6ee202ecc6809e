import { connect, type Socket } from 'node:net';
import { until } from '@kvs/protocol/testing';
import type { Batch, OpenCall } from '../src/batch.js';
import { AnswerReader } from '../src/codec/answers.js';
import { encodeCalls } from './frames.js';
import type { Refusal } from '../src/codec/refusal.js';
import { FrameBuilder } from '../src/codec/frame-builder.js';
import { FrameReader } from '../src/codec/frame-reader.js';
import { FRAME, type FrameType, LINK_PATH, LINK_TOKEN } from '../src/codec/frame.js';
import { encodeHello } from '../src/codec/hello.js';

const LIMITS = { maxCallsInFlight: 100, maxBytesInFlight: 2 ** 20 };

/** The proxy's end of a link in a test's hand. */
export class RawLink {
  readonly builder = new FrameBuilder();
  readonly frames: FrameType[] = [];
  /** Ids in the order in which they were answered, with the outcomes or the code of a refusal. */
  readonly answers: (readonly [number, unknown])[] = [];
  closed = false;
  readonly #open = new Map<number, OpenCall>();

  private constructor(readonly socket: Socket) {}

  /**
   * Resolves when the node has said hello.
   *
   * @param maxFrameBytes the largest frame that this end takes
   */
  static async open(port: number, maxFrameBytes = 2 ** 20): Promise<RawLink> {
    const socket = connect(port, '127.0.0.1');
    const link = new RawLink(socket);
    const answers = new AnswerReader((id) => link.#open.get(id));
    const reader = new FrameReader(maxFrameBytes, (type, cursor) => {
      link.frames.push(type);
      if (type === FRAME.answers) {
        for (const { id, call, refusal } of answers.read(cursor)) {
          link.#answered(id, call, refusal);
        }
      }
    });
    let head = '';
    socket.on('data', (bytes: Buffer) => {
      if (head.endsWith('\r\n\r\n')) return reader.push(bytes);
      const end = bytes.indexOf('\r\n\r\n') + 4;
      head += bytes.toString('latin1', 0, end);
      reader.push(bytes.subarray(end));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => (link.closed = true));
    socket.write(
      `GET ${LINK_PATH} HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: ${LINK_TOKEN}\r\n\r\n`,
    );
    await until(() => link.frames.length > 0);
    socket.write(encodeHello(link.builder, { ...LIMITS, maxFrameBytes }));
    return link;
  }

  call(...calls: readonly (readonly [number, Batch])[]): void {
    for (const [id, batch] of calls) this.#open.set(id, { ...batch, outcomes: [] } as OpenCall);
    this.socket.write(
      encodeCalls(
        this.builder,
        calls.map(([id, batch]) => ({ id, batch })),
      ),
    );
  }

  #answered(id: number, call: OpenCall, refusal: Refusal | undefined): void {
    this.#open.delete(id);
    this.answers.push([id, refusal?.code ?? call.outcomes]);
  }
}
