import { raw } from '../contenders/bare.js';
import { kvsCluster } from '../contenders/kvs.js';
import { findPeers } from '../contenders/peers.js';
import { compareLoads } from './compare-loads.js';
import type { ServersCase } from './case.js';

const CONNECTIONS = 32;

/** For orientation, without goals: variants of kvs, the usual libraries, and other stores that speak JSON over HTTP. */
export const peers: ServersCase = {
  name: 'peers',
  measure: async (options) => {
    const { contenders, leftOut } = await findPeers();
    for (const reason of leftOut) options.progress(reason);
    const { scale } = options;
    return compareLoads(
      { ...options, scale: { ...scale, rounds: scale.peerRounds } },
      {
        contenders: [raw, kvsCluster(), ...contenders],
        connectionCounts: [CONNECTIONS],
        note: ['For orientation.', ...leftOut].join(' '),
      },
    );
  },
};
