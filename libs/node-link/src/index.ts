export type { NodeStats } from '@kvs/router/transport';
export { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder } from './codec/frame-builder.js';
export type { FrameCursor } from './codec/frame-cursor.js';
export { LINK_PATH, LINK_TOKEN, LinkProtocolError } from './codec/frame.js';
export type { PairLimits, PeerIdentity } from './codec/hello.js';
export { readPartition } from './codec/item-checks.js';
export { receiveMessages, type PeerCodec, type PeerReceiver } from './codec/peer-messages.js';
export type { Refusal } from './codec/refusal.js';
export type { LinkOperation } from './link/call-runner.js';
export type { LinkOptions } from './link/link-options.js';
export {
  LinkServer,
  type CallAdmission,
  type LinkCounts,
  type LinkServerOptions,
} from './link/link-server.js';
export type { NodeOperations } from './link/node-operations.js';
export { PeerLink, type PeerLinkListener, type PeerLinkOptions, type Urgency } from './link/peer-link.js';
export { NodeLink, type NodeLinkOptions } from './node-link.js';
export { endOfCallback, endOfTurn, systemTimers, type Schedule, type Timers } from './ports.js';
