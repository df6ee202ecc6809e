export * from './call-budget.js';
export * from './describe-node-transport.js';
export * from './faulty-wire.js';
export * from './held-store.js';
export * from './test-node.js';
export type { TransportSettings, TransportSuiteOptions } from './transport-trait.js';
export { frameOfMessages, messagesOfFrame } from './peer-frames.js';
