import { KvsError } from '@kvs/protocol';
import type { BootId, NodeIdentity } from '../topology.js';
import type { NodeReports } from './node-reports.js';
import type { ControlPorts } from './ports.js';
import type { TopologyKeeper } from './topology-keeper.js';

/** Asks the process of a node whether it is there, before it loses its registration to another process or by an operator. */
export class NodePresence {
  readonly #keeper: Pick<TopologyKeeper, 'read'>;
  readonly #reports: Pick<NodeReports, 'hear' | 'isHeard'>;
  readonly #ports: Pick<ControlPorts, 'confirmPromotions'>;

  constructor(
    keeper: Pick<TopologyKeeper, 'read'>,
    reports: Pick<NodeReports, 'hear' | 'isHeard'>,
    ports: Pick<ControlPorts, 'confirmPromotions'>,
  ) {
    this.#keeper = keeper;
    this.#reports = reports;
    this.#ports = ports;
  }

  /**
   * Refuses a process that joins with the id of a node whose process still runs. Otherwise both would take the registration from each
   * other forever. The proxy asks the known process, because only the proxy that leads gets reports. If the process does not answer:
   *
   * - The new process has the same address: the known one has ended, because the new one listens there.
   * - The new process has another address: the known one counts as running until its reports stop.
   *
   * @throws KvsError `duplicate_node`, `store_unavailable`
   */
  async refuseTwin({ id, bootId, address }: NodeIdentity): Promise<void> {
    const { clusterId, nodes } = await this.#keeper.read();
    const known = nodes.find((one) => one.id === id);
    if (known === undefined || known.bootId === bootId) return;
    const isThere = await this.#answers(known, clusterId);
    if (isThere) this.#reports.hear(known.bootId);
    const hasMoved = known.address !== address;
    if (isThere || (hasMoved && this.#reports.isHeard(known.bootId)))
      throw new KvsError('duplicate_node', `${id} runs at ${known.address} already`);
  }

  /**
   * An operator who says that the process of a node has ended may mean an earlier one, of which only the boot id is left. The
   * cluster would go on to wait for that one, and would take the pairs of the process that runs for gone.
   *
   * @param id the id or the boot id of a node
   * @returns the boot id of the process that did not answer; undefined if the id is that of no node
   * @throws KvsError `node_in_use`, `store_unavailable`
   */
  async refuseRunning(id: string): Promise<BootId | undefined> {
    const { clusterId, nodes } = await this.#keeper.read();
    const node = nodes.find((one) => one.id === id || one.bootId === id);
    if (node === undefined || !(await this.#answers(node, clusterId))) return node?.bootId;
    throw new KvsError(
      'node_in_use',
      `${id} runs at ${node.address}: stop it first, or name the boot id in awaited if an earlier process has ended`,
    );
  }

  /** Returns whether the process answers at its address. */
  #answers({ address, bootId }: NodeIdentity, clusterId: string): Promise<boolean> {
    return this.#ports.confirmPromotions(address, { clusterId, bootId, promotions: [] }).then(
      () => true,
      () => false,
    );
  }
}
