import type { Topology } from './topology.js';

/**
 * Where the topology is kept. Proxies of one cluster share it, and its compare-and-set is the only consensus that kvs needs.
 *
 * A store keeps one document. Reads are linearizable: a read that begins after a change was acknowledged shows it. A change is
 * acknowledged only once it survives a restart of the store, as far as the store survives one at all.
 */
export interface TopologyStore {
  /**
   * Resolves with the document, or with undefined if there is none yet.
   *
   * @throws KvsError `store_unavailable`; `invalid_topology`: the document is damaged or of another version
   */
  read(): Promise<Topology | undefined>;
  /**
   * Puts a document in the place of the one with the revision before it. Resolves with whether it did: false means that the
   * store has another revision, perhaps by this very change. The first document has revision 1, and replaces none.
   *
   * @throws KvsError `store_unavailable`: the change may have been made, or may be made later
   */
  replace(next: Topology): Promise<boolean>;
  /**
   * Calls the listener when the document may have changed. It is a hint: changes may be missed, so read now and then anyway.
   * Returns a function that ends the calls.
   */
  watch(listener: () => void): () => void;
  /**
   * Claims to lead the cluster for the next {@link LEAD_FOR_MS}. A process that leads repeats the claim more often. Resolves
   * with the name of the process that leads: `name`, if no other process holds a claim. Two processes may lead for a moment.
   *
   * @param deposed the process whose claim ends if it leads, so that `name` leads
   * @throws KvsError `store_unavailable`
   */
  claimLead(name: string, deposed?: string): Promise<string>;
  /**
   * Gives up a claim to lead, so that another process may lead at once. Claims that begin later count again.
   *
   * @throws KvsError `store_unavailable`: the claim ends by itself
   */
  resignLead(): Promise<void>;
  /** Gives up what the store holds. Later calls reject with `store_unavailable`. */
  close(): Promise<void>;
}

/** How long a claim to lead lasts, in milliseconds. */
export const LEAD_FOR_MS = 5000;
