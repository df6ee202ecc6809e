import type { Plan } from '../planning/draft.js';
import type { BootId, Topology } from '../topology.js';
import { loadsOf } from './cluster-status.js';
import type { ControlPorts } from './ports.js';

/** Logs how far each node is that is being filled: every 5 s, and once when it has its share. */
export class ShareLog {
  readonly #ports: Pick<ControlPorts, 'log' | 'timers'>;
  /** The processes that are being filled and have less than their shares. */
  #filling: ReadonlySet<BootId> = new Set();
  #toldMs = -Infinity;

  constructor(ports: Pick<ControlPorts, 'log' | 'timers'>) {
    this.#ports = ports;
  }

  /** @param shares how many copies each node should have, by the newest plan */
  note({ nodes, partitions }: Topology, shares: Plan['shares']): void {
    const learners = new Set(partitions.flatMap(({ learner }) => learner ?? []));
    const before = this.#filling;
    if (learners.size + before.size === 0) return;
    const nowMs = this.#ports.timers.nowMs();
    // Counting all copies at each change would take a good part of the leader's time.
    const isDue = nowMs - this.#toldMs >= LOG_INTERVAL_MS;
    const isKnown = [...learners].every((learner) => before.has(learner));
    if (learners.size > 0 && isKnown && !isDue) return;
    const loads = loadsOf({ partitions });
    const states = nodes.flatMap(({ id, bootId }) => {
      const share = shares.get(bootId);
      return share === undefined ? [] : [{ id, bootId, share, copies: loads.get(bootId)?.copies ?? 0 }];
    });
    const filling = states.filter(
      ({ bootId, share, copies }) => copies < share.lower && (learners.has(bootId) || before.has(bootId)),
    );
    this.#filling = new Set(filling.map(({ bootId }) => bootId));
    const { log } = this.#ports;
    for (const { id, bootId, share, copies } of states) {
      if (share.fair > 0 && before.has(bootId) && !this.#filling.has(bootId))
        log.info({ node: id, copies }, `${id} has its share: ${copies} copies`);
    }
    if (filling.length === 0 || !isDue) return;
    this.#toldMs = nowMs;
    for (const { id, share, copies } of filling) {
      const wanted = Math.round(share.fair);
      log.info({ node: id, copies, wanted }, `${id} is being filled: ${copies} of ${wanted} copies`);
    }
  }
}

const LOG_INTERVAL_MS = 5000;
