import type { StorageEngine } from '@kvs/kv-store';
import { HttpService } from '@nestjs/axios';
import type { Candidate, CandidateParts } from './cluster-role.js';
import { ControlPlaneClient, type Requester } from './control-plane-client.js';
import { candidateWithCopies } from './copies-role.js';
import { candidateWithSharedStore } from './shared-role.js';

/** The parts with which a node joins a cluster. A node by itself never loads this module, nor the packages that it needs. */

export { followTopology } from './follow-topology.js';
export { invitationFrom, LastingProblem, promotionQuestionFrom } from '@kvs/topology';

/** Returns the candidate for an engine; undefined if the engine can't be part of a cluster. */
export function candidateOf(engine: StorageEngine, parts: CandidateParts): Candidate | undefined {
  if (engine.replication !== undefined) return candidateWithCopies(engine, engine.replication, parts);
  return engine.sharedStoreId && candidateWithSharedStore(engine.sharedStoreId.bind(engine), parts);
}

export function controlPlaneClient(
  proxies: readonly string[],
  requester: () => Requester,
): ControlPlaneClient {
  return new ControlPlaneClient(new HttpService(), proxies, requester);
}
