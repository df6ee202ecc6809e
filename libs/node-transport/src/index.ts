export type { Batch, BatchOf, ItemOf, Kind, OutcomeOf } from './batch.js';
export { decodeAnswers, encodeAnswers, type Answer, type Answered } from './codec/answers.js';
export { decodeCalls, encodeCalls, type DecodedCall, type Refusal } from './codec/calls.js';
export { FrameBuilder } from './codec/frame-builder.js';
export { FrameReader } from './codec/frame-reader.js';
export { LinkProtocolError } from './codec/link-protocol-error.js';
