import type { Buffer } from 'node:buffer';
import { FrameBuilder } from '../codec/frame-builder.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FRAME } from '../codec/frame.js';
import { receiveMessages, type PeerCodec } from '../codec/peer-messages.js';

/**
 * Returns one frame with these messages, to test a codec.
 *
 * @param slabBytes the smallest size of a slab of the builder. In small ones, a number that was not reserved is lost.
 */
export function frameOfMessages<M>(codec: PeerCodec<M>, messages: readonly M[], slabBytes?: number): Buffer {
  const builder = new FrameBuilder(slabBytes);
  builder.begin(FRAME.messages);
  for (const message of messages) codec.put(builder, message);
  return builder.finish();
}

/**
 * Returns the messages of a frame.
 *
 * @throws LinkProtocolError if the codec finds them invalid
 */
export function messagesOfFrame<M>(codec: PeerCodec<M>, frame: Buffer): M[] {
  const messages: M[] = [];
  const receiver = receiveMessages(
    () => undefined,
    codec,
    (_, message) => messages.push(message),
  );
  new FrameReader(frame.length, (_, cursor) => receiver.receive('a node', cursor)).push(frame);
  return messages;
}
