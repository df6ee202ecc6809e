/** The other end sent what the link's protocol does not have. Nothing of such a frame is believed, and the link is closed. */
export class LinkProtocolError extends Error {
  override readonly name = 'LinkProtocolError';
}
