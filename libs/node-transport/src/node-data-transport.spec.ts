import { NodeDataTransport } from './node-data-transport.js';
import { describeNodeTransport } from './testing/index.js';
import { NODE_PROTOCOLS } from './ways.js';

describe.each(NODE_PROTOCOLS)('by the protocol %s', (protocol) => {
  describeNodeTransport(
    'a transport',
    {
      connect: (address, settings) =>
        new NodeDataTransport(address, {
          protocol,
          nodeConnections: 8,
          maxBatchItems: 1000,
          minReconnectMs: 5,
          stats: () => Promise.reject(new TypeError('nobody asks')),
          ...settings,
        }),
    },
    { describe, it },
  );
});
