/** A client broke the rules of the protocol, as the message says in the words of Redis. Its connection can't go on. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
