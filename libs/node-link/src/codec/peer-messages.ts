import type { FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FULL_FRAME_BYTES, LinkProtocolError } from './frame.js';
import type { PeerIdentity } from './hello.js';

/**
 * Writes and reads the messages that nodes send each other. The link does not know what they mean. Many messages go in one
 * frame, one behind the other, so a codec must find the end of a message in the message itself.
 */
export interface PeerCodec<M> {
  /**
   * Puts a message into a frame that was begun. A message is at least one byte of numbers. Call `reserve` before numbers are
   * written.
   */
  put(builder: FrameBuilder, message: M): void;
  /**
   * Reads the next message. Must check a count against `room` of the cursor before it makes anything of that size.
   *
   * @throws LinkProtocolError if there is no valid message; the link is closed then
   */
  read(cursor: FrameCursor): M;
}

/** Takes the messages of other nodes. */
export interface PeerReceiver {
  /** Returns the node's own identity; undefined as long as it is of no cluster. Called for each link. */
  readonly identity: () => PeerIdentity | undefined;
  /**
   * Takes the messages of a frame.
   *
   * @param from the boot id of the sender
   * @throws LinkProtocolError if one of them is not valid; then none of them counts
   */
  readonly receive: (from: string, cursor: FrameCursor) => void;
  /** Called for each chunk of input of a node, which may be a part of a frame, after the frames that it completes. */
  readonly heard: (from: string) => void;
}

/**
 * Returns the receiver that passes on each message of a frame, in order.
 *
 * @param receive gets the boot id of the sender and the message. Its errors are defects, and are thrown on
 * @param heard as in {@link PeerReceiver}
 */
export function receiveMessages<M>(
  identity: () => PeerIdentity | undefined,
  codec: PeerCodec<M>,
  receive: (from: string, message: M) => void,
  heard: (from: string) => void = () => undefined,
): PeerReceiver {
  return {
    identity,
    heard,
    receive: (from, cursor) => {
      const messages: M[] = [];
      while (cursor.hasNumbers) {
        if (messages.length === MAX_MESSAGES) throw new LinkProtocolError('a frame has too many messages');
        messages.push(codec.read(cursor));
      }
      cursor.finish();
      for (const message of messages) receive(from, message);
    },
  };
}

/** The most messages of a frame: a sender ends a frame of {@link FULL_FRAME_BYTES}, and each message has at least one byte. */
const MAX_MESSAGES = FULL_FRAME_BYTES;
