export * from './call-budget.js';
export * from './held-store.js';
export * from './test-node.js';
export { frameOfMessages, messagesOfFrame } from './peer-frames.js';
