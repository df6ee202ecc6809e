import { inChild } from '../harness/in-child.js';
import type { Pair } from './pairs.js';

export interface FilledNode {
  /** `host:port` */
  readonly address: string;
}

export interface Filling {
  /** How many random pairs are drawn. */
  readonly drawn: number;
  /** Which of them are written, from one up to another; all without these. */
  readonly from?: number;
  readonly to?: number;
  /** At most how many of those written are told, spread over all. */
  readonly sampleCount: number;
}

export interface FillNodesInput extends Filling {
  readonly addresses: readonly string[];
}

export interface Filled {
  readonly sample: readonly Pair[];
  /** As `GET /fetch` writes those written, and those before. */
  readonly fetchBytes: number;
}

/**
 * Writes random pairs to the nodes that own them: the proxy's memory stays as it is. So does that of this process, for
 * another one draws and writes them. A million pairs here would be garbage to collect while something is measured.
 */
export function fillNodes(nodes: readonly FilledNode[], filling: Filling): Promise<Filled> {
  const addresses = nodes.map(({ address }) => address);
  return inChild('servers/children/fill-nodes', { ...filling, addresses } satisfies FillNodesInput);
}
